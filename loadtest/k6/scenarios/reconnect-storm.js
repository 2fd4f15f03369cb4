/** Every stream is cut at the same moment, several times, while events come: what a balancer's restart does. All come back as `retry:` told them. */
import { beginRun, makePlan, msUntil, producerScenario, readerScenario } from '../lib/plan.js';
import { produceSteadily } from '../lib/producer.js';
import { openStreams } from '../lib/reader.js';
import { commonOptions, number } from '../lib/settings.js';
import { exact, publishing, resuming } from '../lib/thresholds.js';

const plan = makePlan({ streams: 500, streamsPerVu: 10, channels: 50, rate: 50, seconds: 60, rampSeconds: 10 });
const waves = Math.max(1, number('WAVES', 3));
const readers = readerScenario(plan, plan.streams);
const isKilling = __ENV.KILLS === '1'; // somebody kills nodes meanwhile: publishes may fail

export const options = {
  ...commonOptions,
  scenarios: { producer: producerScenario(plan), readers },
  thresholds: {
    ...exact,
    ...(isKilling ? {} : publishing),
    ...resuming(plan.streams * waves),
    sse_resume_duration: ['p(95)<8000'],
    'sse_event_latency{kind:live}': ['p(95)<1000'],
  },
};

export const setup = beginRun;

export function produce(run) {
  produceSteadily(run, plan);
}

export function read(run) {
  const streams = openStreams(run, plan, { vus: readers.vus });
  for (let wave = 1; wave <= waves; wave++) {
    const atSeconds = plan.publishAfterSeconds + (plan.seconds * wave) / (waves + 1);
    setTimeout(() => streams.forEach((stream) => stream.drop()), msUntil(atSeconds));
  }
}
