import type { EventLog, LogBatch } from '../../../src/log/event-log.js';
import type { LogRecord } from '../../../src/protocol/log-record.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import { hashKey } from '../../../src/routing/partition-hash.js';
import type { Router } from '../../../src/routing/router.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { Indexer } from '../../../src/window/indexer.js';
import { MemoryReplayWindow } from '../../../src/window/memory/memory-replay-window.js';
import type { ReplayWindow, WindowAnswer } from '../../../src/window/replay-window.js';
import { seededRandom, SimEnvironment } from '../sim-environment.js';
import { SimLog } from '../sim-log.js';
import { SimNode } from '../sim-node.js';
import { SimParser, SimSocket } from '../sim-reader.js';
import type { ProbeName } from './experiments.js';

const topic = 'probe';
const ageMs = 30_000;

function makeRouter(more: object): Router {
  const parsed = parseRoutes([{ topic, channels: ['c.{key}'], type: '{header:type|message}', ...more }]);
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  const nothing = (): void => undefined;
  return createRouter(parsed.routes, { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing });
}

/** The parts of one partition's life, moved by hand. */
class Scene {
  readonly environment = new SimEnvironment(seededRandom(1));
  readonly log = new SimLog(() => 2);
  readonly router: Router;
  readonly window = this.windowOf('routes as they are');

  constructor(route: object = {}) {
    this.router = makeRouter(route);
    this.log.topics.set(topic, [{ low: 0, records: [] }]);
  }

  windowOf(fingerprint: string): MemoryReplayWindow {
    const describeTopic = (): { fingerprint: string; generation: string } => ({ fingerprint, generation: '' });
    const options = { prefix: 'probe', ageMs, eventsPerChannelMax: 10, describeTopic, clock: this.environment.clock };
    return this.window === undefined ? new MemoryReplayWindow(options) : this.window.sibling(options);
  }

  produce(key: string, type = 'message', value: Uint8Array = new TextEncoder().encode(`"${type}"`), partition = 0): LogRecord {
    const { records } = this.log.partition(topic, partition);
    const headers = { type: new TextEncoder().encode(type) };
    const record = { offset: records.length, timestampMs: this.environment.nowMs, key: new TextEncoder().encode(key), value, headers };
    records.push(record);
    return record;
  }

  indexer(log: EventLog = this.log.asEventLog()): Indexer {
    const { router, window, environment } = this;
    const deadLetters = { topic: 'dead', perSecond: 10, burst: 10 };
    return new Indexer({ windowAgeMs: ageMs, deadLetters }, { log, router, window, environment, logger: silentLogger, metrics: noMetrics });
  }

  batch(from: number, to: number): LogBatch {
    const found = this.log.fetch(topic, 0, from, to - from + 1);
    return found ?? { topic, partition: 0, from, to, records: [], end: to + 1 };
  }

  async write(from: number, to: number): Promise<void> {
    const events = this.batch(from, to).records.flatMap((record) => {
      const routed = this.router.route(topic, 0, record);
      return typeof routed === 'string' ? [] : routed;
    });
    await this.window.write({ topic, partition: 0, from, to, events });
  }

  read(after: number): Promise<WindowAnswer> {
    return this.window.read({ topic, partition: 0, channels: ['c.a'], after, eventsMax: 10, bytesMax: 10_000 });
  }

  node(window: ReplayWindow | null = null): Promise<SimNode> {
    const limits = {
      recentAgeMs: 1_000,
      recentBytesMax: 1_000_000,
      pageEventsMax: 2,
      scanOffsetsMax: 1_000,
      chunkBytesMax: 1,
      keepAliveMs: 60_000,
      positionBytesMax: 512,
    };
    return new SimNode(this.log, this.log.asEventLog(), window, this.router, this.environment, limits).begin();
  }

  async attach(node: SimNode, parser: SimParser, query: Readonly<Record<string, string>>): Promise<SimSocket> {
    const headers = new Map(parser.lastEventId === null ? [] : [['last-event-id', parser.lastEventId]]);
    const parameters = new Map(Object.entries({ channel: 'c.a', ...query }).map(([name, value]) => [name, [value]]));
    const answer = await node.streams.open({ method: 'GET', path: '/', pathParameters: {}, query: parameters, headers, remoteAddress: '' });
    if (answer.kind !== 'stream') throw new Error(`answered ${answer.kind}`);
    const socket = new SimSocket(100_000);
    socket.owner = answer.attach(socket);
    return socket;
  }
}

async function markersOnly(): Promise<string | null> {
  const scene = new Scene();
  const indexer = scene.indexer();
  await indexer.onAssigned([{ topic, partition: 0, committed: null, low: 0, end: 0 }]);
  await indexer.onBatch({ topic, partition: 0, from: 0, to: 3, records: [], end: 4 }, () => false);
  indexer.stop();
  const high = (await scene.window.vouched(topic, 0))?.high;
  return high === 3 ? null : `high is ${high} after a stretch of markers up to 3`;
}

async function deadLetterFirst(): Promise<string | null> {
  const scene = new Scene();
  const refusing: EventLog = { ...scene.log.asEventLog(), append: () => Promise.reject(new Error('not acknowledged')) };
  const indexer = scene.indexer(refusing);
  await indexer.onAssigned([{ topic, partition: 0, committed: null, low: 0, end: 0 }]);
  scene.produce('a', 'message', Uint8Array.of(0xff, 0xfe));
  const outcome = await indexer
    .onBatch(scene.batch(0, 0), () => false)
    .then(
      () => 'taken',
      () => 'refused',
    );
  indexer.stop();
  const high = (await scene.window.vouched(topic, 0))?.high;
  return outcome === 'refused' && high === -1 ? null : `high is ${high} (${outcome}) while the dead letter is not in the log`;
}

async function fingerprints(): Promise<string | null> {
  const scene = new Scene();
  await scene.write(0, 5);
  const vouched = await scene.windowOf('routes with one more channel').vouched(topic, 0);
  return vouched === null ? null : `a window written under other routes vouches: ${JSON.stringify(vouched)}`;
}

async function longQuiet(): Promise<string | null> {
  const scene = new Scene();
  for (let i = 0; i < 3; i++) scene.produce('a');
  await scene.write(0, 3);
  await scene.environment.advance(ageMs);
  const lapsed = await scene.read(0);
  if (lapsed.kind === 'page') return 'a lapsed floor proves a page';
  await scene.write(4, 4);
  const after = await scene.read(0);
  return after.kind === 'page' ? 'what lay before a lapse is vouched for after it' : null;
}

async function topicMadeAnew(): Promise<string | null> {
  const scene = new Scene();
  for (let i = 0; i < 5; i++) scene.produce('b');
  const node = await scene.node();
  const parser = new SimParser();
  const socket = await scene.attach(node, parser, {});
  scene.log.topics.set(topic, [{ low: 0, records: [] }]);
  scene.produce('a', 'first of the new topic');
  node.fetch(topic, 0, 10);
  node.fetch(topic, 0, 10);
  await scene.environment.settle();
  parser.take(socket.take(100_000));
  node.stop();
  const [gap, event] = parser.seen;
  const isTold = gap?.kind === 'gap' && gap.reason === 'store-lost';
  return isTold && event?.kind === 'event' ? null : `the reader saw ${JSON.stringify(parser.seen)}`;
}

/** A reader whose position is far below `recent`, on a node without a window. */
async function resumeFarBehind(
  scene: Scene,
  query: Readonly<Record<string, string>>,
): Promise<{ parser: SimParser; socket: SimSocket; node: SimNode }> {
  const node = await scene.node();
  const parser = new SimParser();
  const first = await scene.attach(node, parser, {});
  parser.take(first.take(100_000));
  first.owner?.onPeerGone();
  for (let i = 0; i < 40; i++) scene.produce('a', 'common');
  while (node.fetch(topic, 0, 5));
  await scene.environment.advance(5_000);
  scene.produce('b');
  while (node.fetch(topic, 0, 5));
  const socket = await scene.attach(node, parser, query);
  return { parser, socket, node };
}

async function compactedLog(): Promise<string | null> {
  const scene = new Scene();
  scene.log.compacted.add(topic);
  const { parser, socket, node } = await resumeFarBehind(scene, {});
  await scene.environment.advance(10_000);
  parser.take(socket.take(100_000));
  node.stop();
  const [gap] = parser.seen;
  return gap?.kind === 'gap' && gap.reason === 'compacted' ? null : `the reader saw ${JSON.stringify(parser.seen.slice(0, 2))}`;
}

async function filteredReplay(): Promise<string | null> {
  const scene = new Scene();
  const { parser, socket, node } = await resumeFarBehind(scene, { type: 'rare' });
  const before = parser.lastEventId;
  await scene.environment.advance(1_000);
  parser.take(socket.take(100_000));
  const during = parser.lastEventId;
  node.stop();
  return during === before ? 'a replay in which everything was filtered out left the position where it was' : null;
}

const keepsLatest = { keyed: 'murmur2', latest: { ttlSeconds: 3_600 } };

/** Indexing is behind the tail, and the newest event lies between. */
async function latestBehindTail(): Promise<string | null> {
  const scene = new Scene(keepsLatest);
  scene.produce('a', 'old state');
  await scene.write(0, 0);
  scene.produce('a', 'new state');
  const node = await scene.node(scene.window);
  const parser = new SimParser();
  const socket = await scene.attach(node, parser, {});
  await scene.environment.advance(2_000);
  parser.take(socket.take(100_000));
  node.stop();
  const newest = parser.seen.at(-1);
  return newest?.kind === 'event' && newest.type === 'new state' ? null : `the reader saw ${JSON.stringify(parser.seen)}`;
}

/** Indexing began in the middle: nobody knows what the latest event was. */
async function latestLost(): Promise<string | null> {
  const scene = new Scene(keepsLatest);
  scene.produce('a', 'the state');
  await scene.write(1, 1);
  const node = await scene.node(scene.window);
  const parser = new SimParser();
  const socket = await scene.attach(node, parser, {});
  parser.take(socket.take(100_000));
  node.stop();
  const [gap] = parser.seen;
  return gap?.kind === 'gap' && gap.reason === 'store-lost' ? null : `the reader saw ${JSON.stringify(parser.seen)}`;
}

/** With one partition it is at home in 0, with two in 1. */
const movedKey = ['a', 'b', 'c', 'd', 'e', 'f'].find((key) => (hashKey('murmur2', new TextEncoder().encode(key)) ?? 0) % 2 === 1) ?? '';

/**
 * A topic grows; an edge that begins then cannot ask the window, and dies after a reader began there. A late record comes to the old home; only
 * edges that know the old count are left to see it.
 */
async function resumeBegunBlind(awayMs: number, blindAtWorkMs: number): Promise<string | null> {
  const scene = new Scene({ keyed: 'murmur2' });
  const older = await scene.node(scene.window);
  await scene.environment.advance(6_000);
  scene.log.topics.get(topic)?.push({ low: 0, records: [] });
  older.askPartitions(topic);
  scene.window.setAway('stopped');
  const blind = await scene.node(scene.window);
  const query = { channel: `c.${movedKey}` };
  const parser = new SimParser();
  const first = await scene.attach(blind, parser, query);
  parser.take(first.take(100_000));
  first.owner?.onPeerGone();
  scene.window.setAway(null);
  await scene.environment.advance(blindAtWorkMs);
  blind.stop();
  await scene.environment.advance(6_000);
  scene.produce(movedKey, 'late');
  while (older.fetch(topic, 0, 10));
  await scene.environment.advance(awayMs);
  const socket = await scene.attach(older, parser, query);
  await scene.environment.advance(2_000);
  parser.take(socket.take(100_000));
  older.stop();
  const [gap] = parser.seen;
  return gap?.kind === 'gap' && gap.reason === 'unknown-position' ? null : `the reader saw ${JSON.stringify(parser.seen)}`;
}

/** Scenes for rules that random weather cannot judge; each says what failed, or null. */
export const probes: Readonly<Record<ProbeName, () => Promise<string | null>>> = {
  markersOnly,
  deadLetterFirst,
  fingerprints,
  topicMadeAnew,
  compactedLog,
  filteredReplay,
  longQuiet,
  latestBehindTail,
  latestLost,
  begunBlind: () => resumeBegunBlind(1_000, 0),
  begunBlindLongAway: () => resumeBegunBlind(15 * 60_000, 6_000),
};
