import { readRedisScript } from '../../redis/redis-script.js';
import type { RedisScript } from '../../redis/redis-script.js';

export interface WindowScripts {
  readonly writeStretch: RedisScript;
  readonly readPage: RedisScript;
  readonly readVouched: RedisScript;
  readonly readNewest: RedisScript;
  readonly readLatest: RedisScript;
  readonly shareCounts: RedisScript;
}

/** Reads the scripts that lie beside this module. */
export function readWindowScripts(): WindowScripts {
  const folder = new URL('./scripts/', import.meta.url);
  return {
    writeStretch: readRedisScript(folder, 'write-stretch'),
    readPage: readRedisScript(folder, 'read-page'),
    readVouched: readRedisScript(folder, 'read-vouched'),
    readNewest: readRedisScript(folder, 'read-newest'),
    readLatest: readRedisScript(folder, 'read-latest'),
    shareCounts: readRedisScript(folder, 'share-counts'),
  };
}
