/**
 * 3. CPU of a node without readers (fetch, decode, route, keep in `recent`) and of a bare, equally tuned kafkajs loop on the same topic, both at once in
 * the same windows: what the machine does to one it does to the other. The bare one fetches as often as ours did in the window before. It begins when
 * `recent` lets go of as much as it takes: before that, memory is had from the system.
 */
import { formatTable, load, median, medianRatio, round, tell } from './figures.mjs';
import { cpuShare, sleep } from './own-process.mjs';
import { startBareConsumer, startProducer, startSelvage } from './programs.mjs';

const channels = 1_000;
const rates = [0, 1_000, 20_000, 50_000];
/** The age that `recent` lets events have, and a little. */
const fullSeconds = 65;
const settledSeconds = 10;

export async function benchIngest({ kafka, program, rounds, seconds, only, isShort }) {
  const rows = [];
  const cases = [12, 200].flatMap((partitionCount) => rates.map((rate) => ({ partitionCount, rate })));
  for (const { partitionCount, rate } of cases.filter((_, i) => only === undefined || only.includes(i))) {
    const topic = await kafka.createTopic(partitionCount);
    // Larger requests where there are many records: the producer shares its core with Kafka.
    const lingerMs = rate >= 20_000 ? 20 : 5;
    const producer = rate === 0 ? null : await startProducer({ brokers: kafka.brokers, topic, rate, channels, lingerMs });
    const node = await startSelvage({ program, brokers: kafka.brokers, topic });
    const bare = await startBareConsumer({ brokers: kafka.brokers, topic, partitionCount, isTuned: true });
    try {
      await sleep((rate === 0 || isShort ? settledSeconds : fullSeconds) * 1_000);
      await pace(node, bare, () => sleep(5_000));
      const windows = [];
      for (let i = 0; i < rounds; i++) windows.push(await pace(node, bare, () => measure(node, bare, seconds)));
      rows.push(tell(rowOf(partitionCount, rate, windows, seconds)));
    } finally {
      await Promise.all([node.close(), bare.close(), producer?.close()]);
    }
  }
  return formatTable(
    ['partitions', 'records/s', 'read/s ours/bare', 'fetches/s ours/bare', 'ours CPU', 'bare CPU', 'ratio', 'ours us/record', 'load'],
    rows,
  );
}

/** Has the bare loop fetch from now on as often as ours did during `work`; what `work` returned, and the fetches a second of both. */
async function pace(node, bare, work) {
  const startMs = performance.now();
  const count = () => Promise.all([node.metric('selvage_log_fetches_total'), bare.ask('report').then(({ fetches }) => fetches)]);
  const before = await count();
  const result = await work();
  const seconds = (performance.now() - startMs) / 1_000;
  const [ours, its] = (await count()).map((fetches, i) => (fetches - before[i]) / seconds);
  await bare.ask(`pace ${Math.max(1, 1_000 / ours)}`);
  return { ...result, fetches: { ours, bare: its } };
}

async function measure(node, bare, seconds) {
  const read = () => node.metric('selvage_log_records_read_total');
  await bare.ask('reset');
  const before = await read();
  const [ours, its] = await Promise.all([cpuShare(node.pid, seconds), cpuShare(bare.pid, seconds)]);
  return { ours: { share: ours, records: (await read()) - before }, bare: { share: its, records: (await bare.ask('report')).records } };
}

function rowOf(partitionCount, rate, windows, seconds) {
  const medianOf = (name, what) => median(windows.map((window) => window[name][what]));
  // For each record read, where there are any.
  const costs = (name) => windows.map(({ [name]: { share, records } }) => share / (records || 1));
  const fetches = (name) => round(median(windows.map((window) => window.fetches[name])), 0);
  const perSecond = (name) => round(medianOf(name, 'records') / seconds, 0);
  return [
    partitionCount,
    rate,
    `${perSecond('ours')} / ${perSecond('bare')}`,
    `${fetches('ours')} / ${fetches('bare')}`,
    `${round(medianOf('ours', 'share') * 100, 1)} %`,
    `${round(medianOf('bare', 'share') * 100, 1)} %`,
    round(medianRatio(costs('ours'), costs('bare')), 2),
    rate === 0 ? '' : round(median(costs('ours')) * seconds * 1e6, 2),
    round(load(), 1),
  ];
}
