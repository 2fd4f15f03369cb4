/** A burst: in the middle third many times as many readers come within seconds, and events come faster; those who were there before must not feel it much. */
import { sleep } from 'k6';
import { beginRun, makePlan, msUntil, producerScenario, readerScenario } from '../lib/plan.js';
import { produceSteadily } from '../lib/producer.js';
import { openStreams } from '../lib/reader.js';
import { commonOptions, number } from '../lib/settings.js';
import { exact, publishing } from '../lib/thresholds.js';

const plan = makePlan({ streams: 200, streamsPerVu: 10, channels: 50, rate: 50, seconds: 90, rampSeconds: 10 });
const times = number('SPIKE_TIMES', 5);
const spikeSeconds = { from: plan.publishAfterSeconds + plan.seconds / 3, ramp: number('SPIKE_RAMP_SECONDS', 5) };
const readers = readerScenario(plan, plan.streams);
const crowd = readerScenario(plan, plan.streams * times, { exec: 'readInSpike' });

export const options = {
  ...commonOptions,
  scenarios: { producer: producerScenario(plan), readers, crowd },
  thresholds: {
    ...exact,
    ...publishing,
    'sse_event_latency{kind:live,reader:plain}': ['p(95)<500', `p(99)<${number('LATENCY_P99_MS', 2_000)}`],
    'sse_event_latency{kind:live,reader:crowd}': [`p(99)<${number('LATENCY_P99_MS', 2_000)}`],
    'sse_open_duration{reader:crowd}': ['p(95)<3000'],
  },
};

export const setup = beginRun;

export function produce(run) {
  const isSpike = (seconds) => seconds >= plan.seconds / 3 && seconds < (plan.seconds * 2) / 3;
  produceSteadily(run, plan, (seconds) => (isSpike(seconds) ? plan.rate * times : plan.rate));
}

export function read(run) {
  openStreams(run, plan, { vus: readers.vus });
}

export function readInSpike(run) {
  sleep(msUntil(spikeSeconds.from) / 1_000);
  openStreams(run, plan, { vus: crowd.vus, spreadSeconds: spikeSeconds.ramp, tags: { reader: 'crowd' } });
}
