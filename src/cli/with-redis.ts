import { redisConnectionOf } from '../compose-options.js';
import type { Config } from '../config/config.js';
import { RedisConnection } from '../redis/redis-connection.js';
import type { LogFields, Logger } from '../telemetry/logger.js';
import { silentLogger } from '../telemetry/silent-logger.js';
import { systemEnvironment } from '../std/system-environment.js';

const upMsMax = 5_000;

/** Asks the configured Redis and closes the connection; `ask` is given null, and why, when it cannot be reached within 5 s. */
export async function withRedis<T>(config: Config, ask: (redis: RedisConnection | null, why: string) => Promise<T>): Promise<T> {
  let why = 'no answer';
  const heard: Logger = {
    ...silentLogger,
    warn: (_, fields) => void (why = reasonIn(fields) ?? why),
    error: (_, fields) => void (why = reasonIn(fields) ?? why),
  };
  const redis = new RedisConnection(redisConnectionOf(config), heard, systemEnvironment);
  // The timers of a connection do not keep the process alive.
  const alive = setInterval(() => undefined, upMsMax);
  try {
    const isUp = await redis.waitUntilUp(upMsMax);
    return await ask(isUp ? redis : null, why);
  } finally {
    clearInterval(alive);
    await redis.close();
  }
}

function reasonIn(fields: LogFields | undefined): string | null {
  const reason = fields?.['error'];
  return reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : null;
}
