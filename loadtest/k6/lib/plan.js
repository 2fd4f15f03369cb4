/**
 * The times of a run, the same for every virtual user: streams open during `rampSeconds`; `settleSeconds` later the producer begins and publishes for
 * `seconds`; its last event of each channel is of the type `finish`, and a reader ends when it has it. Who does not have it `graceSeconds` later has lost it.
 */
import exec from 'k6/execution';
import sse from 'k6/x/selvage-sse';
import { number } from './settings.js';

const settleSeconds = 3;

/** A scenario's plan out of its defaults: `{streams, channels, rate, seconds, …}`. */
export function makePlan(defaults) {
  const plan = {
    streams: number('STREAMS', defaults.streams),
    streamsPerVu: Math.max(1, number('STREAMS_PER_VU', defaults.streamsPerVu ?? 5)),
    channels: number('CHANNELS', defaults.channels),
    rate: number('RATE', defaults.rate),
    seconds: number('SECONDS', defaults.seconds),
    rampSeconds: number('RAMP_SECONDS', defaults.rampSeconds),
    graceSeconds: number('GRACE_SECONDS', defaults.graceSeconds ?? 20),
    payloadBytes: number('PAYLOAD_BYTES', defaults.payloadBytes ?? 230),
  };
  const publishAfterSeconds = plan.rampSeconds + settleSeconds;
  const totalSeconds = publishAfterSeconds + plan.seconds + plan.graceSeconds;
  return { ...plan, publishAfterSeconds, totalSeconds };
}

/** What `setup` returns: the name of the run, and so of its channels. Runners of one test that are not one process need the same `RUN`. */
export function beginRun() {
  return { run: __ENV.RUN || `k6-${Math.floor(sse.now()).toString(36)}` };
}

/** Channel i of a run. */
export const channelName = ({ run }, i) => `${run}.${i}`;

/** Milliseconds of a k6 scenario that begins with the test until so many seconds of the run; 0 when they have passed. */
export function msUntil(seconds) {
  return Math.max(0, exec.scenario.startTime + seconds * 1_000 - Date.now());
}

/** k6's scenario of the one producer. */
export function producerScenario(plan, more = {}) {
  return {
    executor: 'shared-iterations',
    exec: 'produce',
    vus: 1,
    iterations: 1,
    maxDuration: `${plan.totalSeconds + 30}s`,
    ...more,
  };
}

/** k6's scenario of readers, `streams` of them. */
export function readerScenario(plan, streams, more = {}) {
  const vus = Math.max(1, Math.ceil(streams / plan.streamsPerVu));
  return {
    executor: 'shared-iterations', // one for each user: only such iterations have a number over all runners of a test
    exec: 'read',
    vus,
    iterations: vus,
    maxDuration: `${plan.totalSeconds + 30}s`,
    ...more,
  };
}
