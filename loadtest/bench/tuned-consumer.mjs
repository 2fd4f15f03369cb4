/**
 * A bare kafkajs `eachBatch` loop. `isTuned`: with the settings, the fetch pace, the codecs and the patch of the request queue that a node of ours has, so that what a node
 * costs more is what it does with the records.
 */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';

const environment = {
  clock: { nowMs: () => Date.now(), tickMs: () => performance.now() },
  timers: { after: (delayMs, callback) => setTimeout(callback, delayMs) },
};

/** Calls `onRecord` for each message from now on; resolves once it fetches, with `setPace(ms)`, which has it fetch so often instead, and `fetchCount()`. */
export async function consume({ brokers, topic, partitionCount, isTuned }, onRecord) {
  const makePace = isTuned ? await tune(partitionCount) : () => null;
  let pace = makePace({});
  const kafka = new kafkajs.Kafka({ clientId: 'bare', brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const settings = isTuned
    ? { minBytes: 1, maxBytes: 10 * 1_048_576, maxBytesPerPartition: 1_048_576, maxWaitTimeInMs: 500, metadataMaxAge: 2_000 }
    : {};
  const consumer = kafka.consumer({ groupId: `bare-${randomUUID()}`, ...settings });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: false });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  let fetches = 0;
  consumer.on(consumer.events.REQUEST, ({ payload }) => {
    if (payload.apiName !== 'Fetch') return;
    fetches++;
    pace?.onAnswered();
  });
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: isTuned ? partitionCount + 32 : 1,
    eachBatch: ({ batch }) => {
      const startMs = performance.now();
      for (const message of batch.messages) onRecord(message, batch.partition);
      return pace === null ? Promise.resolve() : pace.afterBatch(performance.now() - startMs);
    },
  });
  await joined;
  // The first fetches look for the end of the log: nothing may be produced before they have.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  return {
    setPace: (paceMs) => (pace = makePace({ shareMax: Number.EPSILON, paceMsMax: paceMs })),
    fetchCount: () => fetches,
  };
}

async function tune(partitionCount) {
  const [{ FetchPace }, { quietRequestQueue }, { registerCodecs }] = await Promise.all([
    import('../../dist/log/kafka/fetch-pace.js'),
    import('../../dist/log/kafka/quiet-request-queue.js'),
    import('../../dist/log/kafka/register-codecs.js'),
  ]);
  quietRequestQueue();
  await registerCodecs();
  return (options) => Object.assign(new FetchPace(environment, options), { partitionCount });
}
