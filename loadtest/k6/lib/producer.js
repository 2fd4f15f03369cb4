/**
 * Publishes at a steady rate through `POST /v1/publish`. The data of an event is `{s, n, t, b, pad}`: its source, its number in the source, when it was
 * made and when the source began, in milliseconds since 1970, and padding. A source is one channel's events of one producer; when nobody knows whether
 * an event is in the log, its channel goes on as a new source, so that a reader is never blamed for it.
 */
import http from 'k6/http';
import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import sse from 'k6/x/selvage-sse';
import { channelName, msUntil } from './plan.js';
import { publishUrl, requestHeaders } from './settings.js';

const published = new Counter('publish_events');
const failures = new Counter('publish_failures');
const duration = new Trend('publish_duration', true);
const behind = new Trend('publish_behind', true);

const eventsMax = 100; // of one request, as a node has it unless configured
const batchesPerSecondMax = 20;
const finishTriesMax = 20;

/** Publishes over the run's time, then one `finish` in each channel. `rateAt(seconds)` may change the rate; default: the plan's. */
export function produceSteadily(run, plan, rateAt = () => plan.rate) {
  const sources = Array.from({ length: plan.channels }, (_, i) => new Source(channelName(run, i), plan.payloadBytes));
  sleep(msUntil(plan.publishAfterSeconds) / 1_000);
  // All are known to be 0 before the first of them fails: k6 does not judge what nobody has written.
  failures.add(0);
  const beganMs = sse.now();
  for (const source of sources) source.begin();
  let due = 0;
  let sent = 0;
  let lastMs = beganMs;
  for (;;) {
    const nowMs = sse.now();
    const seconds = (nowMs - beganMs) / 1_000;
    if (seconds >= plan.seconds) break;
    due += (rateAt(seconds) * (nowMs - lastMs)) / 1_000;
    lastMs = nowMs;
    const count = Math.min(Math.floor(due - sent), eventsMax);
    if (count > 0) {
      publish(Array.from({ length: count }, (_, i) => sources[(sent + i) % sources.length]));
      sent += count;
      behind.add(rateAt(seconds) > 0 ? (Math.floor(due - sent) * 1_000) / rateAt(seconds) : 0);
    }
    const restMs = 1_000 / batchesPerSecondMax - (sse.now() - nowMs);
    if (restMs > 0 && due - sent < eventsMax) sleep(restMs / 1_000);
  }
  finish(sources);
}

/** The last event of each channel, again and again until it is in the log. */
function finish(sources) {
  for (let i = 0; i < sources.length; i += eventsMax) {
    let left = sources.slice(i, i + eventsMax);
    for (let tries = 0; left.length > 0 && tries < finishTriesMax; tries++) {
      if (tries > 0) sleep(1);
      left = publish(left, 'finish');
    }
  }
}

/** Publishes the next event of each of the sources; those whose event is not known to be in the log. */
function publish(sources, type = 'load') {
  const events = sources.map((source) => ({ channel: source.channel, type, data: source.next() }));
  const answer = http.post(`${publishUrl}/v1/publish`, JSON.stringify({ events }), {
    headers: requestHeaders(),
    tags: { name: 'publish' },
  });
  duration.add(answer.timings.duration);
  const failed = failedOnes(answer, sources);
  published.add(sources.length - failed.length);
  if (failed.length > 0) {
    failures.add(failed.length);
    if (failures.said === undefined) console.error(`publish: ${answer.status} ${answer.error} ${String(answer.body).slice(0, 300)}`);
    failures.said = true;
    for (const source of failed) source.begin();
  }
  return failed;
}

function failedOnes(answer, sources) {
  if (answer.status === 200) return [];
  if (answer.status !== 207) return sources;
  const { results } = answer.json();
  return sources.filter((_, i) => results[i]?.position === undefined);
}

class Source {
  constructor(channel, payloadBytes) {
    this.channel = channel;
    this.pad = 'x'.repeat(Math.max(0, payloadBytes - 90));
    this.epoch = 0;
  }

  begin() {
    this.name = `${this.channel}/${++this.epoch}`;
    this.number = 0;
    this.beganMs = sse.now();
  }

  next() {
    return { s: this.name, n: this.number++, t: sse.now(), b: this.beganMs, pad: this.pad };
  }
}
