import { readRedisScript } from '../../redis/redis-script.js';
import type { RedisScript } from '../../redis/redis-script.js';

export interface LimitScripts {
  readonly acquireStream: RedisScript;
  readonly judgeStream: RedisScript;
  readonly registerStream: RedisScript;
  readonly countTenant: RedisScript;
  readonly takeTokens: RedisScript;
  readonly beat: RedisScript;
}

/** Reads the scripts that lie beside this module. */
export function readLimitScripts(): LimitScripts {
  const folder = new URL('./scripts/', import.meta.url);
  return {
    acquireStream: readRedisScript(folder, 'acquire-stream'),
    judgeStream: readRedisScript(folder, 'judge-stream'),
    registerStream: readRedisScript(folder, 'register-stream'),
    countTenant: readRedisScript(folder, 'count-tenant'),
    takeTokens: readRedisScript(folder, 'take-tokens'),
    beat: readRedisScript(folder, 'beat'),
  };
}
