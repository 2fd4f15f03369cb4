/**
 * Produces at a steady rate, acks=1, records of `lingerMs` in one request. Keys `c0` to `c<channels - 1>` (or another prefix) in turn; a value begins with `"t":<16 digits, us>` and has a number
 * that grows by one in each channel. `report` on stdin answers `{records, seconds, behind}`.
 */
import { createInterface } from 'node:readline';
import kafkajs from 'kafkajs';

const { brokers, topic, rate, channels, lingerMs = 5, valueBytes = 176, prefix = 'c' } = JSON.parse(process.argv[2]);
const requestsMax = 8;
const kafka = new kafkajs.Kafka({ clientId: 'bench-producer', brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
const keys = Array.from({ length: channels }, (_, i) => `${prefix}${i}`);
const numbers = new Array(channels).fill(0);
const padding = 'x'.repeat(valueBytes);
let sent = 0;
let acknowledged = 0;
let requests = 0;

function makeRecord() {
  const channel = sent++ % channels;
  const head = `{"t":${Math.round((performance.timeOrigin + performance.now()) * 1_000)},"n":${numbers[channel]++},"pad":"`;
  return { key: keys[channel], value: `${head}${padding.slice(0, valueBytes - head.length - 2)}"}` };
}

await producer.connect();
// Metadata and connections first: what is sent before them would be late.
await producer.send({ topic, acks: 1, messages: [{ key: 'warm', value: 'warm' }] });
const startMs = performance.now();

setInterval(() => {
  const due = Math.floor(((performance.now() - startMs) / 1_000) * rate);
  if (due <= sent || requests >= requestsMax) return;
  const messages = Array.from({ length: Math.min(due - sent, 5_000) }, makeRecord);
  requests++;
  void producer.send({ topic, acks: 1, messages }).then(() => {
    acknowledged += messages.length;
    requests--;
  });
}, lingerMs);

createInterface({ input: process.stdin }).on('line', () => {
  const seconds = (performance.now() - startMs) / 1_000;
  process.stdout.write(`${JSON.stringify({ records: acknowledged, seconds, behind: Math.floor(seconds * rate) - acknowledged })}\n`);
});
process.stdout.write('{"ready":true}\n');
