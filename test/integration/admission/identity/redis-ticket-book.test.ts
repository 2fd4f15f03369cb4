import { describe, expect, onTestFinished, test } from 'vitest';
import { RedisTicketBook } from '../../../../src/admission/redis/redis-ticket-book.js';
import { RedisConnection } from '../../../../src/redis/redis-connection.js';
import { parseRedisUrl } from '../../../../src/redis/redis-connection-options.js';
import { systemEnvironment } from '../../../../src/std/system-environment.js';
import { silentLogger } from '../../../../src/telemetry/silent-logger.js';
import { describeTicketBook } from '../../../contract/ticket-book-contract.js';
import { RedisServer } from '../../../platform/redis-server.js';
import { sharedRedis } from '../../../platform/shared-services.js';
import { uniqueName } from '../../../platform/unique-name.js';

async function connect(url: string): Promise<RedisConnection> {
  const redis = new RedisConnection(parseRedisUrl(url), silentLogger, systemEnvironment);
  onTestFinished(() => redis.close());
  await redis.waitUntilUp(5_000);
  return redis;
}

describe('the book in Redis', () => {
  describeTicketBook(async () => {
    const prefix = uniqueName('book');
    const { url } = sharedRedis();
    const [one, other] = await Promise.all([connect(url), connect(url)]);
    return {
      one: new RedisTicketBook(one, prefix, systemEnvironment.clock),
      other: new RedisTicketBook(other, prefix, systemEnvironment.clock),
    };
  });

  test('rejects while Redis is away, and at once', async () => {
    await using server = await RedisServer.start();
    const redis = await connect(server.url);
    const book = new RedisTicketBook(redis, uniqueName('book'), systemEnvironment.clock);
    await book.markUsed('t', Date.now() + 60_000);
    await server.kill();
    await expect(book.wasUsed('t')).rejects.toThrow();
    await expect(book.markUsed('u', Date.now() + 60_000)).rejects.toThrow();
  });
});
