import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { SelvageNode } from '../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../platform/shared-services.js';
import { uniqueName } from '../platform/unique-name.js';
import { waitFor } from '../platform/wait-for.js';
import { publishEvents } from './publish-events.js';

const waves = 4;
const connectionsPerWave = 150;

/** How a client that has lost interest goes; by turns. */
const departures = [
  // before the request is whole
  async (socket: net.Socket) => void socket.write('GET /v1/events?channel=x HTTP/1.1\r\nHost: a\r\n'),
  // with the request on its way
  async (socket: net.Socket, request: string) => void socket.write(request),
  // with the stream open
  async (socket: net.Socket, request: string) => {
    socket.write(request);
    await once(socket, 'data');
  },
  // reset instead of closed
  async (socket: net.Socket, request: string) => {
    socket.write(request);
    await once(socket, 'data');
    socket.resetAndDestroy();
  },
];

async function comeAndGo(node: SelvageNode, index: number, channel: string, position: string): Promise<void> {
  const socket = net.connect(node.port, '127.0.0.1');
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    // Every other one replays, so that some go while pages are read for them.
    const resume = index % 8 < 4 ? `Last-Event-ID: ${position}\r\n` : '';
    const request = `GET /v1/events?channel=${channel} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n${resume}\r\n`;
    await departures[index % departures.length]!(socket, request);
  } finally {
    socket.destroy();
  }
}

/** The values of a metric's lines, by labels. */
async function readMetric(node: SelvageNode, name: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${node.adminUrl}/metrics`)).text();
  const lines = [...text.matchAll(new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)$`, 'gm'))];
  return new Map(lines.map(([, labels = '', value]) => [labels, Number(value)]));
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

test('hundreds of connections that are given up at once leave nothing behind', async () => {
  const env = {
    HOST: '127.0.0.1',
    KAFKA_BROKERS: sharedKafka().brokers,
    REDIS_URL: sharedRedis().url,
    SELVAGE_GROUP: uniqueName('aborts'),
  };
  await using node = await SelvageNode.start({ env });
  const channel = uniqueName('aborted');
  const publish = (data: number): Promise<readonly string[]> => publishEvents(node.url, [{ channel, data }]);
  const [position = ''] = await publish(0);
  for (let wave = 0; wave < waves; wave++) {
    // Events meet streams that are about to go.
    const events = [1, 2, 3].map((data) => publish(data));
    const connections = Array.from({ length: connectionsPerWave }, (_, index) => comeAndGo(node, index, channel, position));
    await Promise.all([...connections, ...events]);
  }
  await waitFor(async () => sum((await readMetric(node, 'selvage_connections')).values()) === 0, { what: 'no connection' });
  await waitFor(async () => sum((await readMetric(node, 'selvage_subscribers')).values()) === 0, { what: 'no subscriber' });
  const opened = sum((await readMetric(node, 'selvage_connections_opened_total')).values());
  const closed = await readMetric(node, 'selvage_connections_closed_total');
  expect(opened).toBeGreaterThanOrEqual((waves * connectionsPerWave) / 2 - 2);
  expect(sum(closed.values())).toBe(opened);
  expect([...closed].filter(([, count]) => count > 0)).toEqual([['reason="client-gone"', opened]]);
  expect(sum((await readMetric(node, 'selvage_connections_stalled')).values())).toBe(0);
  expect(await node.isReady()).toBe(true);
});
