import { afterAll, expect, test } from 'vitest';
import { openPrincipal } from '../../open-admission/open-authenticator.js';
import { RedisIdempotencyStore } from '../../../src/publish/redis/redis-idempotency-store.js';
import { parseRedisUrl } from '../../../src/redis/redis-connection-options.js';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { testIdempotencyStore } from '../../contract/idempotency-store-contract.js';
import { RedisServer } from '../../platform/redis-server.js';
import { sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { setUpPublisher } from '../../unit/publish/publisher-fixture.js';

const connections: RedisConnection[] = [];
afterAll(() => Promise.all(connections.map((connection) => connection.close())));

async function connect(url: string): Promise<RedisConnection> {
  const connection = new RedisConnection({ ...parseRedisUrl(url), commandTimeoutMs: 1_000 }, silentLogger, systemEnvironment);
  connections.push(connection);
  expect(await connection.waitUntilUp(10_000)).toBe(true);
  return connection;
}

testIdempotencyStore(
  'keys in Redis',
  async (options) => new RedisIdempotencyStore(await connect(sharedRedis().url), uniqueName('idempotency'), options),
);

test('while Redis is away keys are refused and nothing is published; what was remembered is there when it is back', async () => {
  await using redis = await RedisServer.start();
  const connection = await connect(redis.url);
  const store = new RedisIdempotencyStore(connection, 'p', { rememberMs: 60_000, leaseMs: 60_000 });
  const { publish, readAll } = await setUpPublisher({ store });
  const post = (key: string, data: unknown) =>
    publish({ channel: 'news', data }, { headers: { 'idempotency-key': key }, principal: openPrincipal });
  expect(await post('before', 1)).toMatchObject({ kind: 'answered', isReplay: false });
  redis.pause();
  expect(await post('during', 2)).toMatchObject({ refusal: { code: 'store-unavailable', retryAfterSeconds: 2 } });
  expect(await publish({ channel: 'news', data: 'without a key' })).toMatchObject({ status: 200 });
  redis.resume();
  expect(await connection.waitUntilUp(10_000)).toBe(true);
  expect(await post('before', 1)).toMatchObject({ isReplay: true });
  // The lookup that was not answered may have taken the key: it is given back.
  await expect.poll(() => post('during', 2).then(({ kind }) => kind), { timeout: 20_000, interval: 200 }).toBe('answered');
  await redis.kill();
  expect(await post('after', 3)).toMatchObject({ refusal: { code: 'store-unavailable' } });
  expect((await readAll()).map(({ value }) => value).sort()).toEqual(['1', '2', 'without a key']);
});
