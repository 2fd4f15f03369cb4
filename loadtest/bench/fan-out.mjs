/** 1. CPU of the server for each delivered event of about 230 bytes, beside a bare uWebSockets.js program that is fed by the same kind of consumer. */
import { formatTable, inTurn, load, median, medianRatio, round, tell } from './figures.mjs';
import { startBareFanout, startProducer, startReaders, startSelvage, warmSecondsAt } from './programs.mjs';

const partitionCount = 4;

/** Streams, channels, and deliveries a second. */
const cases = [
  { streams: 1_000, channels: 1, deliveries: 1_000 },
  { streams: 1_000, channels: 1, deliveries: 10_000 },
  { streams: 1_000, channels: 1, deliveries: 50_000 },
  { streams: 1_000, channels: 100, deliveries: 1_000 },
  { streams: 1_000, channels: 100, deliveries: 10_000 },
  { streams: 10_000, channels: 1, deliveries: 10_000 },
  { streams: 10_000, channels: 1, deliveries: 50_000 },
  { streams: 10_000, channels: 100, deliveries: 50_000 },
  { streams: 1_000, channels: 1, deliveries: 100_000 },
];

export async function benchFanOut({ kafka, program, rounds, seconds, only }) {
  const rows = [];
  for (const one of cases.filter((_, i) => only === undefined || only.includes(i))) {
    const measure = (start) => () => measureOnce(kafka, start, one, seconds);
    const results = await inTurn(rounds, {
      ours: measure((topic) => startSelvage({ program, brokers: kafka.brokers, topic })),
      bare: measure((topic) => startBareFanout({ brokers: kafka.brokers, topic, partitionCount, isTuned: true })),
    });
    const cpu = (name) => results[name].map((result) => result.cpuUsPerEvent);
    const mid = (name, field) => round(median(results[name].map((result) => result[field])) / 1_000, 2);
    rows.push(
      tell([
        one.streams,
        one.channels,
        round(median(results.ours.map((result) => result.eventsPerSecond)), 0),
        round(median(cpu('ours')), 2),
        round(median(cpu('bare')), 2),
        round(medianRatio(cpu('ours'), cpu('bare')), 2),
        `${mid('ours', 'p50')} / ${mid('ours', 'p99')}`,
        `${mid('bare', 'p50')} / ${mid('bare', 'p99')}`,
        round(load(), 1),
      ]),
    );
  }
  return formatTable(
    ['streams', 'channels', 'delivered/s', 'ours us', 'bare us', 'ratio', 'ours p50/p99 ms', 'bare p50/p99 ms', 'load'],
    rows,
  );
}

async function measureOnce(kafka, start, { streams, channels, deliveries }, seconds) {
  const topic = await kafka.createTopic(partitionCount);
  const server = await start(topic);
  const rate = (deliveries / streams) * channels;
  const producer = await startProducer({ brokers: kafka.brokers, topic, rate, channels });
  try {
    const readers = await startReaders({
      port: server.port,
      channels,
      streams,
      seconds,
      warmSeconds: warmSecondsAt(rate),
      pid: server.pid,
    });
    const result = await readers.result();
    if (result.lost + result.repeated + result.overflow > 0 || result.open !== streams)
      throw new Error(`not exact: ${JSON.stringify(result)}`);
    return result;
  } finally {
    await producer.close();
    await server.close();
  }
}
