/** 4. From a record's making to its arrival in a client, beside a bare kafkajs consumer (tuned as ours, and with kafkajs' own settings). */
import { formatTable, inTurn, load, median, round, tell } from './figures.mjs';
import { sleep } from './own-process.mjs';
import { startBareConsumer, startProducer, startReaders, startSelvage, warmSecondsAt } from './programs.mjs';

const partitionCount = 12;

/** Every stream reads one channel; `rate` is the topic's, over all channels. */
const cases = [
  { rate: 1_000, channels: 10, streams: 10 },
  { rate: 10_000, channels: 10, streams: 10 },
  { rate: 100, channels: 100, streams: 1_000 },
  { rate: 100, channels: 10, streams: 1_000 },
  { rate: 100, channels: 1, streams: 1_000 },
];

export async function benchLatency({ kafka, program, rounds, seconds, only }) {
  const rows = [];
  for (const one of cases.filter((_, i) => only === undefined || only.includes(i))) {
    const results = await inTurn(rounds, {
      ours: () => measureOurs(kafka, program, one, seconds),
      tuned: () => measureBare(kafka, one, seconds, true),
      plain: () => measureBare(kafka, one, seconds, false),
    });
    const mid = (name, field) => round(median(results[name].map((result) => result[field])) / 1_000, 1);
    const both = (name) => `${mid(name, 'p50')} / ${mid(name, 'p99')}`;
    const delivered = (one.rate * one.streams) / one.channels;
    rows.push(tell([one.rate, one.streams, one.channels, delivered, both('ours'), both('tuned'), both('plain'), round(load(), 1)]));
  }
  const head = [
    'records/s',
    'streams',
    'channels',
    'delivered/s',
    'ours p50/p99 ms',
    'bare tuned p50/p99 ms',
    'kafkajs as it is p50/p99 ms',
    'load',
  ];
  return formatTable(head, rows);
}

async function measureOurs(kafka, program, { rate, channels, streams }, seconds) {
  const topic = await kafka.createTopic(partitionCount);
  const node = await startSelvage({ program, brokers: kafka.brokers, topic });
  const producer = await startProducer({ brokers: kafka.brokers, topic, rate, channels });
  try {
    const readers = await startReaders({
      port: node.port,
      channels,
      streams,
      seconds,
      warmSeconds: warmSecondsAt(rate),
      isBusy: streams > 100,
    });
    return await readers.result();
  } finally {
    await producer.close();
    await node.close();
  }
}

async function measureBare(kafka, { rate, channels }, seconds, isTuned) {
  const topic = await kafka.createTopic(partitionCount);
  const consumer = await startBareConsumer({ brokers: kafka.brokers, topic, partitionCount, isTuned, hasLatency: true });
  const producer = await startProducer({ brokers: kafka.brokers, topic, rate, channels });
  try {
    await sleep(warmSecondsAt(rate) * 1_000);
    await consumer.ask('reset');
    await sleep(seconds * 1_000);
    return await consumer.ask('report');
  } finally {
    await producer.close();
    await consumer.close();
  }
}
