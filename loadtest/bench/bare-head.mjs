/** The least that takes a reader in: TCP, the request's head, the head of a stream and its first bytes. Nobody is asked who they are and nothing is sent. */
import { createRequire } from 'node:module';

const uws = createRequire(import.meta.url)('uWebSockets.js');
const readers = new Set();

const app = uws.App().get('/v1/events', (res, req) => {
  req.getQuery('channel');
  readers.add(res);
  res.onAborted(() => readers.delete(res));
  res.writeHeader('Content-Type', 'text/event-stream; charset=utf-8').writeHeader('Cache-Control', 'no-store, no-transform');
  res.write('retry: 2000\n:\nevent: selvage.position\ndata: {}\nid: 1aaaaa.bbbbb-c-3-0\n\n');
});

app.listen('127.0.0.1', 0, (socket) => process.stdout.write(`${JSON.stringify({ port: uws.us_socket_local_port(socket) })}\n`));
