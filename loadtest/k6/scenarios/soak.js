/** Hours: streams end at their maximum age and come back, a few are dropped at any time, nothing grows and nothing is lost. Watch the node's memory beside it. */
import { beginRun, makePlan, msUntil, producerScenario, readerScenario } from '../lib/plan.js';
import { produceSteadily } from '../lib/producer.js';
import { openStreams } from '../lib/reader.js';
import { commonOptions, number } from '../lib/settings.js';
import { exact, resuming } from '../lib/thresholds.js';

const plan = makePlan({ streams: 500, streamsPerVu: 10, channels: 100, rate: 50, seconds: 4 * 3_600, rampSeconds: 60, graceSeconds: 60 });
/** A stream is dropped so often, on average. */
const dropSeconds = number('DROP_SECONDS', 600);
const readers = readerScenario(plan, plan.streams);

export const options = {
  ...commonOptions,
  scenarios: { producer: producerScenario(plan), readers },
  thresholds: {
    ...exact,
    // In hours a publish may fail; readers are not to suffer for it.
    publish_failures: [`count<${Math.max(1, plan.rate * plan.seconds * 0.0001)}`],
    ...resuming((plan.streams * plan.seconds) / dropSeconds / 2),
    'sse_event_latency{kind:live}': ['p(95)<250', `p(99)<${number('LATENCY_P99_MS', 1_000)}`],
  },
};

export const setup = beginRun;

export function produce(run) {
  produceSteadily(run, plan);
}

export function read(run) {
  for (const stream of openStreams(run, plan, { vus: readers.vus })) dropNowAndThen(stream);
}

function dropNowAndThen(stream) {
  let timer = 0;
  const next = () => {
    const waitMs = dropSeconds * 1_000 * (0.5 + Math.random());
    // None near the end: it would be still on its way back when the run is over.
    if (waitMs > msUntil(plan.publishAfterSeconds + plan.seconds)) return;
    timer = setTimeout(() => {
      stream.drop();
      next();
    }, waitMs);
  };
  stream.on('end', () => clearTimeout(timer));
  next();
}
