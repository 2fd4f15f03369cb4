import ioredis from 'ioredis';
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { KafkaCluster } from '../platform/kafka-cluster.js';
import { RedisServer } from '../platform/redis-server.js';
import { sharedKafka, sharedRedis } from '../platform/shared-services.js';
import { uniqueName } from '../platform/unique-name.js';
import { waitFor } from '../platform/wait-for.js';

test('the shared Kafka carries a record from a producer to a consumer', async () => {
  expect(await roundTrip(sharedKafka().brokers, uniqueName('platform'), 'hello')).toContain('hello');
});

test('the shared Redis answers', async () => {
  const redis = new ioredis.Redis(sharedRedis().url);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});

test.skipIf(sharedKafka().isProvided)('a broker that is killed comes back with its records, on the same port', async () => {
  await using kafka = await KafkaCluster.start();
  const topic = uniqueName('platform');
  await roundTrip(kafka.brokers, topic, 'before');
  await kafka.kill();
  await kafka.start();
  expect(await roundTrip(kafka.brokers, topic, 'after')).toEqual(['before', 'after']);
});

test.skipIf(sharedKafka().isProvided)('three brokers serve on while one of them is dead', async () => {
  await using kafka = await KafkaCluster.start({ brokers: 3 });
  const topic = uniqueName('platform');
  await roundTrip(kafka.brokers, topic, 'all three');
  await kafka.kill(2);
  expect(await roundTrip(kafka.brokers, topic, 'two')).toEqual(['all three', 'two']);
  await kafka.start(2);
});

test.skipIf(sharedRedis().isProvided)('a Redis that is killed comes back empty, one that is paused answers when resumed', async () => {
  await using server = await RedisServer.start();
  const redis = new ioredis.Redis(server.url, { retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  await redis.set('key', 'value');
  await server.kill();
  await server.start();
  expect(await redis.get('key')).toBeNull();
  server.pause();
  let hasAnswered = false;
  const answer = redis.ping().then(() => (hasAnswered = true));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(hasAnswered).toBe(false);
  server.resume();
  expect(await answer).toBe(true);
  redis.disconnect();
});

/** Appends one record and reads the whole topic back; makes the topic when it is not there. What a dead broker refuses is tried again. */
async function roundTrip(brokers: string, topic: string, value: string): Promise<string[]> {
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: true });
  const consumer = kafka.consumer({ groupId: uniqueName('platform') });
  const values: string[] = [];
  try {
    await waitFor(() => hasTopic(kafka, topic), { timeoutMs: 20_000, what: `topic ${topic}` });
    // Until the controller has noticed a death, the dead broker is still named as a leader or coordinator: each step is refused, sends nothing, and is tried again.
    await served(() => producer.connect());
    await served(() => producer.send({ topic, messages: [{ key: 'k', value }] }));
    await served(() => consumer.connect());
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void values.push(String(message.value))) });
    await waitFor(() => values.includes(value), { timeoutMs: 20_000, what: `"${value}" in ${topic}` });
    return values;
  } finally {
    await Promise.all([producer.disconnect(), consumer.disconnect()]);
  }
}

function served(step: () => Promise<unknown>): Promise<unknown> {
  return waitFor(async () => (await step(), true), { timeoutMs: 20_000, everyMs: 250, what: 'a broker that serves' });
}

async function hasTopic(kafka: kafkajs.Kafka, topic: string): Promise<boolean> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    return true;
  } finally {
    await admin.disconnect();
  }
}
