/** Minutes of an even load: what a reader feels on a usual day. */
import { beginRun, makePlan, producerScenario, readerScenario } from '../lib/plan.js';
import { produceSteadily } from '../lib/producer.js';
import { openStreams } from '../lib/reader.js';
import { commonOptions, number } from '../lib/settings.js';
import { exact, publishing } from '../lib/thresholds.js';

const plan = makePlan({ streams: 1_000, streamsPerVu: 10, channels: 100, rate: 100, seconds: 300, rampSeconds: 20 });
const readers = readerScenario(plan, plan.streams);

export const options = {
  ...commonOptions,
  scenarios: { producer: producerScenario(plan), readers },
  thresholds: {
    ...exact,
    ...publishing,
    'sse_event_latency{kind:live}': ['p(50)<50', 'p(95)<250', `p(99)<${number('LATENCY_P99_MS', 1_000)}`],
    sse_open_duration: ['p(99)<2000'],
    sse_connect_failures: ['count==0'],
    publish_behind: ['p(95)<1000'],
  },
};

export const setup = beginRun;

export function produce(run) {
  produceSteadily(run, plan);
}

export function read(run) {
  openStreams(run, plan, { vus: readers.vus });
}
