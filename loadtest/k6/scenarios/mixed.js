/**
 * Everything at once, as a real audience is: readers of one channel, readers of several in envelopes, readers that come late and rewind, readers whose line
 * drops every few seconds, slow ones, and polls.
 */
import http from 'k6/http';
import { sleep } from 'k6';
import exec from 'k6/execution';
import sse from 'k6/x/selvage-sse';
import { beginRun, channelName, makePlan, msUntil, producerScenario, readerScenario } from '../lib/plan.js';
import { produceSteadily } from '../lib/producer.js';
import { complete, openStreams } from '../lib/reader.js';
import { baseUrls, commonOptions, number, requestHeaders } from '../lib/settings.js';
import { exact, publishing, resuming } from '../lib/thresholds.js';

const plan = makePlan({ streams: 200, streamsPerVu: 5, channels: 40, rate: 80, seconds: 60, rampSeconds: 5, graceSeconds: 30 });
const dropSeconds = 8;
const scenario = (share, name) => readerScenario(plan, plan.streams * share, { exec: name });
const plain = scenario(0.4, 'read');
const several = scenario(0.2, 'readSeveral');
const late = scenario(0.1, 'readLate');
const shaky = scenario(0.15, 'readShakily');
const slow = scenario(0.05, 'readSlowly');
const polls = readerScenario({ ...plan, streamsPerVu: 1 }, plan.streams * 0.1, { exec: 'poll' });

export const options = {
  ...commonOptions,
  scenarios: { producer: producerScenario(plan), plain, several, late, shaky, slow, polls },
  thresholds: {
    ...exact,
    ...publishing,
    ...resuming(Math.max(0, plan.seconds / dropSeconds - 2) * shaky.vus),
    'sse_event_latency{kind:live,reader:plain}': ['p(95)<300', `p(99)<${number('LATENCY_P99_MS', 1_500)}`],
    'sse_event_latency{kind:live,reader:several}': [`p(99)<${number('LATENCY_P99_MS', 1_500)}`],
    'http_req_failed{name:poll}': ['rate==0'],
  },
};

export const setup = beginRun;

export function produce(run) {
  produceSteadily(run, plan);
}

export function read(run) {
  openStreams(run, plan, { vus: plain.vus });
}

export function readSeveral(run) {
  openStreams(run, plan, { vus: several.vus, channelsEach: 8, query: '&format=envelope', tags: { reader: 'several' } });
}

export function readLate(run) {
  sleep(msUntil(plan.publishAfterSeconds + plan.seconds / 2) / 1_000);
  openStreams(run, plan, { vus: late.vus, query: '&rewind=10', tags: { reader: 'late' } });
}

export function readShakily(run) {
  const streams = openStreams(run, plan, { vus: shaky.vus, tags: { reader: 'shaky' } });
  const untilSeconds = plan.publishAfterSeconds + plan.seconds;
  for (let at = plan.publishAfterSeconds; at < untilSeconds - 3; at += dropSeconds) {
    setTimeout(() => streams.forEach((stream) => stream.drop()), msUntil(at));
  }
}

export function readSlowly(run) {
  const options = { readBytesPerSecond: number('SLOW_BYTES_PER_SECOND', 2_000), idleTimeoutMs: 0 };
  const streams = openStreams(run, plan, { vus: slow.vus, tags: { reader: 'slow' }, options });
  setTimeout(() => streams.forEach((stream) => stream.setReadRate(0)), msUntil(plan.publishAfterSeconds + (plan.seconds * 2) / 3));
}

/** Polls one channel to its last event, each with the position of the one before. */
export function poll(run) {
  const user = exec.scenario.iterationInTest;
  const url = `${baseUrls[user % baseUrls.length]}/v1/events?format=json&wait=5&channel=${encodeURIComponent(channelName(run, user % plan.channels))}`;
  const check = sse.check({ reader: 'poll' });
  let position = '';
  let isComplete = false;
  while (!isComplete && msUntil(plan.totalSeconds) > 0) {
    const headers = { ...requestHeaders(), ...(position === '' ? {} : { 'Last-Event-ID': position }) };
    const answer = http.get(url, { headers, tags: { name: 'poll' }, timeout: '40s', responseCallback: http.expectedStatuses(200, 304) });
    if (answer.status === 304) continue;
    if (answer.status !== 200) {
      sleep(1);
      continue;
    }
    const told = answer.json();
    position = told.position;
    if (told.gap !== undefined) check.gap();
    for (const event of told.events) {
      check.take(JSON.stringify(event.data));
      isComplete = isComplete || event.type === 'finish';
    }
  }
  complete.add(isComplete, { reader: 'poll' });
  check.flush();
}
