/** 3. CPU of a node without readers (fetch, decode, route, keep in `recent`) beside a bare, equally tuned kafkajs loop on the same topic; and of an idle node. */
import { formatTable, inTurn, load, median, medianRatio, round, tell } from './figures.mjs';
import { cpuShare, sleep } from './own-process.mjs';
import { startBareConsumer, startProducer, startSelvage } from './programs.mjs';

const channels = 1_000;
const rates = [0, 1_000, 20_000, 50_000];

export async function benchIngest({ kafka, program, rounds, seconds, only }) {
  const rows = [];
  const cases = [12, 200].flatMap((partitionCount) => rates.map((rate) => ({ partitionCount, rate })));
  for (const { partitionCount, rate } of cases.filter((_, i) => only === undefined || only.includes(i))) {
    const topic = await kafka.createTopic(partitionCount);
    // Larger requests where there are many records: the producer shares its core with Kafka.
    const lingerMs = rate >= 20_000 ? 20 : 5;
    const producer = rate === 0 ? null : await startProducer({ brokers: kafka.brokers, topic, rate, channels, lingerMs });
    const results = await inTurn(rounds, {
      ours: () => measureOurs(program, kafka.brokers, topic, seconds),
      bare: () => measureBare(kafka.brokers, topic, partitionCount, seconds),
    });
    await producer?.close();
    const share = (name) => results[name].map((result) => result.share);
    // For each record read, where there are any: a producer that cannot keep up gives one run more than another.
    const costs = (name) => results[name].map((result) => result.share / (result.records || 1));
    const records = (name) => round(median(results[name].map((result) => result.records)) / seconds, 0);
    rows.push(
      tell([
        partitionCount,
        rate,
        `${records('ours')} / ${records('bare')}`,
        `${round(median(share('ours')) * 100, 1)} %`,
        `${round(median(share('bare')) * 100, 1)} %`,
        round(medianRatio(costs('ours'), costs('bare')), 2),
        rate === 0 ? '' : round(median(costs('ours')) * seconds * 1e6, 2),
        round(load(), 1),
      ]),
    );
  }
  return formatTable(['partitions', 'records/s', 'read/s ours/bare', 'ours CPU', 'bare CPU', 'ratio', 'ours us/record', 'load'], rows);
}

async function measureOurs(program, brokers, topic, seconds) {
  const node = await startSelvage({ program, brokers, topic });
  try {
    await sleep(3_000);
    const before = await node.metric('selvage_log_records_read_total');
    const share = await cpuShare(node.pid, seconds);
    return { share, records: (await node.metric('selvage_log_records_read_total')) - before };
  } finally {
    await node.close();
  }
}

async function measureBare(brokers, topic, partitionCount, seconds) {
  const consumer = await startBareConsumer({ brokers, topic, partitionCount, isTuned: true });
  try {
    await sleep(3_000);
    await consumer.ask('reset');
    const share = await cpuShare(consumer.pid, seconds);
    return { share, records: (await consumer.ask('report')).records };
  } finally {
    await consumer.close();
  }
}
