/**
 * A tenth of the readers takes less from the socket than comes for it; the others must not feel it. The slow ones are let go in the last third, and must then
 * have everything once, in order: their cursors waited. Events are large, so that what the kernel holds for a socket (up to 4 MB) is soon full.
 */
import { beginRun, makePlan, msUntil, producerScenario, readerScenario } from '../lib/plan.js';
import { produceSteadily } from '../lib/producer.js';
import { openStreams } from '../lib/reader.js';
import { commonOptions, number } from '../lib/settings.js';
import { exact, publishing } from '../lib/thresholds.js';

const plan = makePlan({
  streams: 100,
  streamsPerVu: 5,
  channels: 2,
  rate: 40,
  seconds: 60,
  rampSeconds: 5,
  graceSeconds: 60,
  payloadBytes: 8_000,
});
const readBytesPerSecond = number('SLOW_BYTES_PER_SECOND', 4_000);
const readers = readerScenario(plan, plan.streams * 0.9);
const slow = readerScenario(plan, plan.streams * 0.1, { exec: 'readSlowly' });

export const options = {
  ...commonOptions,
  scenarios: { producer: producerScenario(plan), readers, slow },
  thresholds: {
    ...exact,
    ...publishing,
    'sse_event_latency{kind:live,reader:plain}': ['p(95)<250', `p(99)<${number('LATENCY_P99_MS', 1_000)}`],
    // They were slow indeed, else this run says nothing.
    'sse_event_latency{reader:slow}': ['p(95)>2000'],
    'sse_closes{code:slow-reader}': ['count==0'],
  },
};

export const setup = beginRun;

export function produce(run) {
  produceSteadily(run, plan);
}

export function read(run) {
  openStreams(run, plan, { vus: readers.vus });
}

export function readSlowly(run) {
  const streams = openStreams(run, plan, { vus: slow.vus, tags: { reader: 'slow' }, options: { readBytesPerSecond, idleTimeoutMs: 0 } });
  setTimeout(() => streams.forEach((stream) => stream.setReadRate(0)), msUntil(plan.publishAfterSeconds + (plan.seconds * 2) / 3));
}
