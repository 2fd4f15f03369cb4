/** Readers: each virtual user holds several streams at once, and ends when all of them have had the last event of their channels. */
import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Rate } from 'k6/metrics';
import sse from 'k6/x/selvage-sse';
import { channelName, msUntil } from './plan.js';
import { baseUrls, streamOptions } from './settings.js';

/** Whether a stream had the last event of each of its channels: the sequence check alone cannot see what is lost at the end. */
export const complete = new Rate('sse_complete');
/** Streams that ended before they were told to: refused, or ended by the server for good. */
const ended = new Counter('sse_ended_early');

/**
 * Opens this virtual user's streams, spread over `spreadSeconds` among all users of the k6 scenario, and returns them; the iteration lasts until they have ended.
 *
 * @param {object} run from `beginRun`
 * @param {object} plan from `makePlan`
 * @param {object} more `tags`, `options` of the module, `channelsEach` (1), `query` (`&format=envelope`), `spreadSeconds` (the plan's ramp), `vus` of the scenario
 */
export function openStreams(run, plan, more) {
  const { tags = {}, options = {}, channelsEach = 1, query = '', spreadSeconds = plan.rampSeconds, vus } = more;
  const user = exec.scenario.iterationInTest;
  ended.add(0);
  sleep((spreadSeconds * user) / vus);
  const streams = [];
  for (let i = 0; i < plan.streamsPerVu; i++) {
    const first = (user * plan.streamsPerVu + i) * channelsEach;
    const channels = Array.from({ length: Math.min(channelsEach, plan.channels) }, (_, j) => channelName(run, (first + j) % plan.channels));
    streams.push(openStream(plan, channels, { tags, query, first, options: { ...streamOptions(), ...options } }));
  }
  return streams;
}

function openStream(plan, channels, { tags, query, first, options }) {
  const names = channels.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&');
  // The streams begin on the nodes in turn.
  const urls = baseUrls.map((_, i) => `${baseUrls[(first + i) % baseUrls.length]}/v1/events?${names}${query}`);
  const stream = sse.open(urls, { ...options, tags: { reader: 'plain', ...tags } });
  const waiting = new Set(channels);
  const atDeadline = setTimeout(() => finish(false), msUntil(plan.totalSeconds));
  let isOver = false;
  const finish = (isComplete) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(atDeadline);
    complete.add(isComplete, tags);
    if (!isComplete) console.error(`${urls[0]}: no last event of ${[...waiting].join(', ')}`);
    stream.close();
  };
  stream.on('finish', (event) => {
    for (const channel of channelsOf(event, channels)) waiting.delete(channel);
    if (waiting.size === 0) finish(true);
  });
  stream.on('end', (event) => {
    if (!isOver) ended.add(1, { why: event.why });
    finish(false);
  });
  return stream;
}

/** The source's name begins with the channel's: `<channel>/<epoch>`. */
function channelsOf(event, channels) {
  const told = JSON.parse(event.data);
  const { s } = told.data ?? told;
  return channels.filter((channel) => s.startsWith(`${channel}/`));
}
