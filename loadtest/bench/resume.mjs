/** 5. All streams cut at once by killing their node: how long until the last of them is exact again on another node. */
import { formatTable, load, round, tell } from './figures.mjs';
import { cpuSeconds, sleep } from './own-process.mjs';
import { startProducer, startReaders, startSelvage } from './programs.mjs';

const partitionCount = 12;
const channels = 100;
const rate = 1_000;

/** When clients come back, in ms after the cut: at once, and with the `retry:` that they were told (2 s, a quarter either way). */
const spreads = ['0-0', '1500-2500'];

export async function benchResume({ kafka, program, streams }) {
  const rows = [];
  for (const jitter of spreads) {
    const result = await cut(kafka, program, streams, jitter);
    rows.push(
      tell([
        streams,
        `${jitter} ms`,
        `${round(result.lastOpenMs / 1_000, 2)} s`,
        `${round(result.lastExactMs / 1_000, 2)} s`,
        `${round(result.cpu, 2)} s`,
        `${result.exact} / ${result.lost} / ${result.repeated} / ${result.gaps}`,
        `${result.recent} / ${result.deeper}`,
        result.refused,
        round(load(), 1),
      ]),
    );
  }
  const head = [
    'streams',
    'come back after',
    'last answered',
    'last exact',
    'CPU of the node',
    'exact/lost/repeated/gaps',
    'from recent/deeper',
    'refused',
    'load',
  ];
  return formatTable(head, rows);
}

async function cut(kafka, program, streams, jitter) {
  const topic = await kafka.createTopic(partitionCount);
  const first = await startSelvage({ program, brokers: kafka.brokers, topic });
  const second = await startSelvage({ program, brokers: kafka.brokers, topic });
  const producer = await startProducer({ brokers: kafka.brokers, topic, rate, channels });
  try {
    const readers = await startReaders({ port: first.port, channels, streams, seconds: 60, second: `127.0.0.1:${second.port}`, jitter });
    await sleep(3_000);
    await first.kill();
    const cpuBefore = cpuSeconds(second.pid);
    const result = await readers.result();
    const cpu = cpuSeconds(second.pid) - cpuBefore;
    const recent = await second.metric('selvage_resumes_total', 'tier="recent"');
    const all = await second.metric('selvage_resumes_total');
    return { ...result, cpu, recent, deeper: all - recent };
  } finally {
    await producer.close();
    await second.close();
  }
}
