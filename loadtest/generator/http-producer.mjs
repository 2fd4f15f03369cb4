/**
 * Publishes at a steady rate through `POST /v1/publish`, where no Kafka can be reached: what `bench/steady-producer.mjs` does with Kafka, at lower rates.
 * Channels `<prefix>0`, `<prefix>1`, … in turn; data is `{"t":<microseconds>,"n":<number in the channel>,"pad":…}`. `report` on stdin answers
 * `{records, seconds, behind, failed}`.
 */
import { createInterface } from 'node:readline';

const { url, rate, channels, prefix = 'c', token, payloadBytes = 176 } = JSON.parse(process.argv[2]);
const eventsMax = 100;
const everyMs = 10;
const numbers = new Array(channels).fill(0);
const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
let sent = 0;
let failed = 0;
const startMs = performance.now();

/** One request at a time: the events of a channel must be in the log in their order. */
async function publishOnAndOn() {
  for (;;) {
    const due = Math.floor(((performance.now() - startMs) / 1_000) * rate) - sent;
    if (due > 0) await publish(Array.from({ length: Math.min(due, eventsMax) }, makeEvent));
    if (due <= eventsMax) await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function makeEvent() {
  const i = sent++ % channels;
  const t = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  return { channel: `${prefix}${i}`, type: 'load', data: { t, n: numbers[i]++, pad: 'x'.repeat(Math.max(0, payloadBytes - 45)) } };
}

async function publish(events) {
  const answer = await fetch(`${url}/v1/publish`, { method: 'POST', headers, body: JSON.stringify({ events }) }).catch(() => null);
  await answer?.arrayBuffer().catch(() => null);
  if (answer?.status !== 200) failed += events.length;
}

createInterface({ input: process.stdin }).on('line', () => {
  const seconds = (performance.now() - startMs) / 1_000;
  process.stdout.write(`${JSON.stringify({ records: sent - failed, seconds, behind: Math.floor(seconds * rate) - sent, failed })}\n`);
});
process.stdout.write('{"ready":true}\n');
await publishOnAndOn();
