/** Seconds: is it delivering, exactly, and does a dropped stream come back with what it missed? For a deployment that has just been rolled out. */
import { beginRun, makePlan, msUntil, producerScenario, readerScenario } from '../lib/plan.js';
import { produceSteadily } from '../lib/producer.js';
import { openStreams } from '../lib/reader.js';
import { commonOptions } from '../lib/settings.js';
import { exact, publishing, resuming } from '../lib/thresholds.js';

const plan = makePlan({ streams: 20, channels: 5, rate: 50, seconds: 12, rampSeconds: 1, graceSeconds: 15 });
const readers = readerScenario(plan, plan.streams);

export const options = {
  ...commonOptions,
  scenarios: { producer: producerScenario(plan), readers },
  thresholds: {
    ...exact,
    ...publishing,
    ...resuming(plan.streams),
    'sse_event_latency{kind:live}': ['p(95)<500', 'p(99)<1500'],
    sse_open_duration: ['p(95)<1000'],
    sse_resume_duration: ['p(95)<5000'],
  },
};

export const setup = beginRun;

export function produce(run) {
  produceSteadily(run, plan);
}

export function read(run) {
  const streams = openStreams(run, plan, { vus: readers.vus });
  // Once each, in the middle, while events come.
  setTimeout(() => streams.forEach((stream) => stream.drop()), msUntil(plan.publishAfterSeconds + plan.seconds / 3));
}
