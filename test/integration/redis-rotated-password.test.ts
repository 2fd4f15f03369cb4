import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { redisConnectionOf } from '../../src/compose-options.js';
import { loadConfig } from '../../src/config/load-config.js';
import { RedisConnection } from '../../src/redis/redis-connection.js';
import { systemEnvironment } from '../../src/std/system-environment.js';
import { silentLogger } from '../../src/telemetry/silent-logger.js';
import { RedisServer } from '../platform/redis-server.js';
import { waitFor } from '../platform/wait-for.js';

interface Given {
  readonly env: Readonly<Record<string, string>>;
  /** The file's text for a password. */
  readonly text: (password: string, url: string) => string;
}

const givings: Readonly<Record<string, Given>> = {
  'a file of its own': { env: { REDIS_URL: 'URL', SELVAGE_REDIS_PASSWORD_FILE: 'FILE' }, text: (password) => `${password}\n` },
  'the URL in a file': { env: { REDIS_URL_FILE: 'FILE' }, text: (password, url) => `${url.replace('//', `//:${password}@`)}\n` },
};

for (const [name, { env, text }] of Object.entries(givings)) {
  test(`a password of Redis that is rotated in ${name} is used at the next connect`, async () => {
    await using server = await RedisServer.start();
    await using control = await openControl(server.url);
    await control.redis.command('config', 'set', 'requirepass', 'first');
    const file = join(mkdtempSync(join(tmpdir(), 'selvage-redis-')), 'secret');
    writeFileSync(file, text('first', server.url));
    const filled = Object.fromEntries(
      Object.entries(env).map(([variable, value]) => [variable, value.replace('URL', server.url).replace('FILE', file)]),
    );
    const config = loadConfig({ KAFKA_BROKERS: '127.0.0.1:1', ...filled }, (path) => readFileSync(path, 'utf8'), 'node');
    const redis = new RedisConnection(redisConnectionOf(config), silentLogger, systemEnvironment);
    try {
      expect(await redis.waitUntilUp(10_000)).toBe(true);
      // The old one is refused from here on; what is open stays open.
      await control.redis.command('config', 'set', 'requirepass', 'second');
      writeFileSync(file, text('second', server.url));
      expect(await redis.command('ping')).toBe('PONG');
      const idBefore = await redis.command('client', 'id');
      await control.redis.command('client', 'kill', 'type', 'normal', 'skipme', 'yes');
      await waitFor(async () => (await redis.command('client', 'id').catch(() => idBefore)) !== idBefore, {
        timeoutMs: 10_000,
        what: 'another connection with the new password',
      });
    } finally {
      await redis.close();
      await control.redis.command('config', 'set', 'requirepass', '');
    }
  });
}

/** A connection that stays, to turn the server's password. */
async function openControl(url: string): Promise<AsyncDisposable & { readonly redis: RedisConnection }> {
  const options = redisConnectionOf(loadConfig({ KAFKA_BROKERS: '127.0.0.1:1', REDIS_URL: url }, () => '', 'node'));
  const redis = new RedisConnection(options, silentLogger, systemEnvironment);
  expect(await redis.waitUntilUp(10_000)).toBe(true);
  return { redis, [Symbol.asyncDispose]: () => redis.close() };
}
