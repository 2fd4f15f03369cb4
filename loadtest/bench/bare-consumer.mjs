/** The least that reads a topic: counts records and their latency. `reset` on stdin begins anew, `report` answers `{records, fetches, p50, p99}` (us), `pace <ms>` has it fetch so often. */
import { createInterface } from 'node:readline';
import { consume } from './tuned-consumer.mjs';

const options = JSON.parse(process.argv[2]);
const sampleCount = 200_000;
const samples = new Float64Array(sampleCount);
let records = 0;
let bytes = 0;

const nowUs = () => (performance.timeOrigin + performance.now()) * 1_000;

const { setPace, fetchCount } = await consume(options, ({ value }) => {
  if (options.hasLatency) samples[records % sampleCount] = nowUs() - Number(value.toString('latin1', 5, 21));
  records++;
  bytes += value.length;
});
process.stdout.write(`${JSON.stringify({ port: 0 })}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const sorted = samples.slice(0, Math.min(records, sampleCount)).sort();
  const quantile = (q) => Math.round(sorted[Math.floor(q * sorted.length)] ?? 0);
  process.stdout.write(`${JSON.stringify({ records, bytes, fetches: fetchCount(), p50: quantile(0.5), p99: quantile(0.99) })}\n`);
  if (line === 'reset') records = bytes = 0;
  if (line.startsWith('pace ')) setPace(Number(line.slice(5)));
});
