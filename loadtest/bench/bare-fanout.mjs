/**
 * The least that fans records out: a tuned kafkajs loop, a Set of responses a channel, one frame a record, one corked write a delivery. No positions, no replay, no slow
 * readers, no bounds. Frames have the size of ours.
 */
import { createRequire } from 'node:module';
import { consume } from './tuned-consumer.mjs';

const uws = createRequire(import.meta.url)('uWebSockets.js');
const options = JSON.parse(process.argv[2]);
const channels = new Map();

const app = uws.App().get('/v1/events', (res, req) => {
  const channel = req.getQuery('channel');
  let readers = channels.get(channel);
  if (readers === undefined) channels.set(channel, (readers = new Set()));
  readers.add(res);
  res.onAborted(() => readers.delete(res));
  res.writeHeader('Content-Type', 'text/event-stream; charset=utf-8').writeHeader('Cache-Control', 'no-store, no-transform');
  res.write(': hello\n\n');
});

const prefix = Buffer.from('event: progress\ndata: ');
await consume(options, (message, partition) => {
  const readers = channels.get(message.key.toString());
  if (readers === undefined) return;
  const id = `1aaaa.bbbbb-c-${partition.toString(36)}-${(Number(message.offset) + 1).toString(36)}`;
  const frame = Buffer.concat([prefix, message.value, Buffer.from(`\nid: ${id}\n\n`)]);
  for (const res of readers) res.cork(() => res.write(frame));
});
setInterval(() => {
  for (const readers of channels.values()) for (const res of readers) res.cork(() => res.write(':\n'));
}, 15_000);

app.listen('127.0.0.1', 0, (socket) => process.stdout.write(`${JSON.stringify({ port: uws.us_socket_local_port(socket) })}\n`));
