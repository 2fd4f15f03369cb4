import { decodePosition, topicTag, type Position } from '../../src/protocol/position.js';
import type { LogRecord } from '../../src/protocol/log-record.js';
import { createRouter } from '../../src/routing/create-router.js';
import { parseRoutes } from '../../src/routing/parse-routes.js';
import { hashKey } from '../../src/routing/partition-hash.js';
import type { Router, RoutingObserver } from '../../src/routing/router.js';
import { noMetrics } from '../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../src/telemetry/silent-logger.js';
import { Indexer } from '../../src/window/indexer.js';
import { MemoryReplayWindow } from '../../src/window/memory/memory-replay-window.js';
import { seededRandom, SimEnvironment } from './sim-environment.js';
import { SimGroup, SlowWindow } from './sim-indexer.js';
import { SimLog } from './sim-log.js';
import { SimNode, type SimLimits } from './sim-node.js';
import { SimClient, type Plan } from './sim-client.js';

const routes: unknown = [
  { topic: 'keyed', channels: ['k.{key}'], keyed: 'murmur2', type: '{header:type|message}' },
  { topic: 'state', channels: ['s.{key}'], keyed: 'murmur2', type: '{header:type|message}', latest: { ttlSeconds: 86_400 } },
  {
    topic: 'spread',
    channels: ['u.{header:c}', 'all.{header:g}'],
    type: '{header:type|message}',
    attributes: { colour: '{header:colour|none}' },
  },
  { topic: 'spread', channels: ['u.{header:c}'], type: 'second', when: { 'header:twice': ['yes'] } },
];

const unobserved: RoutingObserver = { unrouted: () => undefined, channelSkipped: () => undefined, typeReplaced: () => undefined };

/** What may happen in a run; a test narrows it to what its rule is about. */
export interface Weather {
  readonly actions: number;
  readonly grows: boolean;
  readonly flushes: boolean;
  readonly failsOver: boolean;
  readonly retains: boolean;
  readonly restartsNodes: boolean;
  readonly remakesTopics: boolean;
  readonly strays: boolean;
  /** The log and the window may be away. */
  readonly leaves: boolean;
}

export const allWeather: Weather = {
  actions: 320,
  grows: true,
  flushes: true,
  failsOver: true,
  retains: true,
  restartsNodes: true,
  remakesTopics: true,
  strays: true,
  leaves: true,
};

/** Nothing that is known is lost, and every record is where some count of its topic puts it: so nobody may say that a keyed promise is broken. */
export const calmWeather: Weather = { ...allWeather, flushes: false, failsOver: false, remakesTopics: false, strays: false, leaves: false };

/** A run broke a promise. */
export class Violation extends Error {}

const windowAgeMs = 30_000;
const windowEventsMax = 6;

/** Edges, an indexer group a partition, a window and readers over one log, moved by a seeded scheduler. */
export class SimWorld {
  readonly random: () => number;
  readonly environment: SimEnvironment;
  readonly log: SimLog;
  readonly router: Router;
  readonly window: MemoryReplayWindow;
  readonly slowWindow: SlowWindow;
  readonly nodes: SimNode[] = [];
  readonly groups: SimGroup[] = [];
  readonly clients: SimClient[] = [];
  readonly trace: string[] = [];
  readonly #weather: Weather;
  readonly #indexers: Indexer[] = [];
  #snapshot: ReturnType<MemoryReplayWindow['snapshot']> | null = null;
  #events = 0;
  /** The count that producers go by; they learn of growth late. */
  readonly #producerCounts = new Map<string, number>();
  /** The counts before topics grew, and until when a broker may tell them. */
  readonly #countsBefore = new Map<string, { readonly count: number; readonly untilMs: number }>();

  constructor(seed: number, weather: Weather) {
    this.random = seededRandom(seed);
    this.#weather = weather;
    this.environment = new SimEnvironment(this.random);
    this.log = new SimLog(() => this.int(1, 4));
    this.log.countTold = (topic, count) => {
      const before = this.#countsBefore.get(topic);
      return before !== undefined && this.environment.nowMs < before.untilMs && this.chance(0.5) ? before.count : count;
    };
    const parsed = parseRoutes(routes);
    if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
    this.router = createRouter(parsed.routes, unobserved);
    const described = new Map(this.router.topics.map((topic) => [topic.topic, topic]));
    this.window = new MemoryReplayWindow({
      prefix: 'sim',
      ageMs: windowAgeMs,
      eventsPerChannelMax: windowEventsMax,
      bucketCount: this.chance(0.5) ? 1 : 3,
      describeTopic: (topic) => described.get(topic) as { fingerprint: string; generation: string },
      clock: this.environment.clock,
    });
    this.slowWindow = new SlowWindow(this.window);
  }

  // ---- dice

  int(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  say(line: string): void {
    this.trace.push(`${this.environment.nowMs - 1_700_000_000_000} ${line}`);
  }

  // ---- a run

  async begin(): Promise<void> {
    for (const topic of ['keyed', 'state', 'spread']) {
      const count = this.int(1, 2);
      this.log.topics.set(
        topic,
        Array.from({ length: count }, () => ({ low: 0, records: [] })),
      );
      this.#producerCounts.set(topic, count);
      for (let partition = 0; partition < count; partition++) this.#addGroup(topic, partition);
    }
    for (let i = this.int(0, 20); i > 0; i--) this.produce();
    this.nodes.push(await this.#newNode(), await this.#newNode());
    for (let i = 0; i < 3; i++) this.clients.push(new SimClient(this, i, this.#newPlan()));
    await this.environment.settle();
  }

  async run(): Promise<void> {
    await this.begin();
    for (let i = 0; i < this.#weather.actions; i++) {
      await this.#act();
      await this.environment.settle();
    }
    await this.finish();
  }

  #newNode(): Promise<SimNode> {
    const limits: SimLimits = {
      recentAgeMs: this.pick([1_500, 6_000]),
      recentBytesMax: this.pick([1_100, 1_000_000]),
      pageEventsMax: this.pick([2, 3, 50]),
      scanOffsetsMax: this.pick([40, 100_000]),
      chunkBytesMax: this.pick([1, 300, 64_000]),
      keepAliveMs: 2_000,
      positionBytesMax: 512,
    };
    return new SimNode(this.log, this.log.asEventLog(), this.window, this.router, this.environment, limits).begin();
  }

  #addGroup(topic: string, partition: number): void {
    this.groups.push(
      new SimGroup(this.log, topic, partition, () => {
        const indexer = new Indexer(
          {
            windowAgeMs,
            deadLetters: { topic: 'dead', perSecond: 0, burst: 0 },
            writeBounds: { entriesMax: this.int(1, 6), bytesMax: 100_000 },
          },
          {
            log: this.log.asEventLog(),
            router: this.router,
            window: this.slowWindow.asWindow(),
            environment: this.environment,
            logger: silentLogger,
            metrics: noMetrics,
          },
        );
        this.#indexers.push(indexer);
        return indexer;
      }),
    );
  }

  #newPlan(): Plan {
    const channels = this.pick([
      ['k.a'],
      ['k.b'],
      ['k.a', 'k.b'],
      ['s.a'],
      ['s.a', 's.b'],
      ['u.x'],
      ['u.x', 'u.y'],
      ['all.g'],
      ['all.g', 'u.x'],
      ['k.a', 'u.x'],
    ]);
    return {
      channels,
      types: this.chance(0.3) ? ['t1'] : null,
      until: this.chance(0.08) ? 't2' : null,
      colour: this.chance(0.2) ? 'red' : null,
      format: this.chance(0.2) ? 'envelope' : 'plain',
      rewind: this.chance(0.15) ? this.int(1, 4) : 0,
      since: this.chance(0.15) ? this.pick(['1s', '20s', '100s']) : null,
      socketBytes: this.pick([200, 600, 100_000]),
    };
  }

  // ---- what happens

  produce(): void {
    const topic = this.pick(['keyed', 'keyed', 'state', 'spread', 'spread']);
    const partitions = this.log.topics.get(topic) ?? [];
    if (partitions.length === 0) return;
    if (this.chance(0.4)) this.#producerCounts.set(topic, partitions.length);
    const count = Math.min(partitions.length, this.#producerCounts.get(topic) ?? 1);
    const key = this.pick(['a', 'b', 'c']);
    const keyBytes = new TextEncoder().encode(key);
    const home = topic === 'spread' ? this.int(0, count - 1) : (hashKey('murmur2', keyBytes) ?? 0) % count;
    const isStray = this.#weather.strays && topic !== 'spread' && this.chance(0.004);
    const partition = isStray ? this.int(0, partitions.length - 1) : home;
    const { records } = this.log.partition(topic, partition);
    const offset = records.length;
    if (this.chance(0.12)) return void records.push(null);
    const headers: Record<string, Uint8Array> = {};
    const put = (name: string, value: string): void => void (headers[name] = new TextEncoder().encode(value));
    put('type', this.pick(['t1', 't2']));
    put('colour', this.pick(['red', 'blue']));
    if (topic === 'spread') {
      if (this.chance(0.8)) put('c', this.pick(['x', 'y']));
      if (this.chance(0.4)) put('g', 'g');
      if (this.chance(0.2)) put('twice', 'yes');
    }
    const record: LogRecord = {
      offset,
      timestampMs: this.environment.nowMs,
      key: keyBytes,
      value: new TextEncoder().encode(`"${topic}/${partition}/${offset}/${this.#events++}"`),
      headers,
    };
    records.push(record);
    if (this.trace.length < 5_000) this.say(`produce ${topic}-${partition}@${offset} key ${key}${isStray ? ' STRAY' : ''}`);
  }

  async #act(): Promise<void> {
    const dice = this.random();
    if (this.chance(0.5)) await this.environment.advance(this.pick([1, 10, 100, 400]));
    if (this.chance(0.003)) {
      this.say('a long pause');
      await this.environment.advance(windowAgeMs + 5_000);
    }
    if (dice < 0.2) this.produce();
    else if (dice < 0.34) await this.#moveIndexer();
    else if (dice < 0.48) this.#moveTail();
    else if (dice < 0.55) await this.#disturb();
    else await this.#moveClient();
  }

  async #moveIndexer(): Promise<void> {
    const { waiting } = this.slowWindow;
    if (waiting.length > 0 && this.chance(0.6)) {
      const [write] = waiting.splice(this.int(0, waiting.length - 1), 1);
      const isLost = this.chance(0.05);
      this.say(
        `window write ${write?.stretch.topic}-${write?.stretch.partition} [${write?.stretch.from},${write?.stretch.to}]${isLost ? ' lost' : ''}`,
      );
      write?.settle(isLost);
      return;
    }
    await this.pick(this.groups).step(this.int(1, 5), this.chance(0.15));
  }

  #moveTail(): void {
    const node = this.pick(this.nodes);
    const topic = this.pick([...this.log.topics.keys()]);
    if (this.chance(0.1)) return node.askPartitions(topic);
    const partition = this.int(0, (this.log.topics.get(topic)?.length ?? 1) - 1);
    node.fetch(topic, partition, this.int(1, 4));
  }

  async #disturb(): Promise<void> {
    const weather = this.#weather;
    const dice = this.int(0, 19);
    if (dice < 4) {
      const group = this.pick(this.groups);
      this.say(`rebalance ${group.topic}-${group.partition}`);
      group.rebalance();
    } else if (dice === 4 && weather.flushes) {
      this.say('FLUSHALL');
      this.window.flush();
    } else if (dice < 7) this.#snapshot = this.window.snapshot();
    else if (dice === 7 && weather.failsOver && this.#snapshot !== null) {
      this.say('FAILOVER to a prefix');
      this.window.restore(this.#snapshot);
    } else if (dice === 8 && weather.grows) this.#grow();
    else if (dice === 9 && weather.restartsNodes) await this.#restartNode(this.int(0, 1));
    else if (dice === 10 && weather.retains && this.chance(0.3)) this.#retain();
    else if (dice === 11 && weather.remakesTopics && this.chance(0.1)) this.#remakeTopic();
    else if (dice === 12 && weather.leaves) {
      this.log.isAway = !this.log.isAway;
      this.say(`the log is ${this.log.isAway ? 'away' : 'back'}`);
    } else if (dice === 13 && weather.leaves) this.window.setAway(this.window.health().usable ? 'stopped' : null);
  }

  #grow(): void {
    const topic = this.pick([...this.log.topics.keys()]);
    const partitions = this.log.topics.get(topic) ?? [];
    if (partitions.length >= 4) return;
    this.#countsBefore.set(topic, { count: partitions.length, untilMs: this.environment.nowMs + 1_000 });
    partitions.push({ low: 0, records: [] });
    this.#addGroup(topic, partitions.length - 1);
    this.say(`${topic} grows to ${partitions.length}`);
  }

  async #restartNode(index: number): Promise<void> {
    this.say(`node ${index} dies and starts anew`);
    const old = this.nodes[index] as SimNode;
    for (const client of this.clients) if (client.isOn(old)) client.drop();
    old.stop();
    this.nodes[index] = await this.#newNode();
  }

  #retain(): void {
    const topic = this.pick([...this.log.topics.keys()]);
    for (const partition of this.log.topics.get(topic) ?? []) {
      const low = Math.max(partition.low, partition.records.length - this.int(3, 25));
      if (low > partition.low) this.say(`retention of ${topic}: low ${low}`);
      partition.low = low;
    }
  }

  #remakeTopic(): void {
    const topic = 'spread';
    const partitions = this.log.topics.get(topic) ?? [];
    // Unseen outgrowing is outside what is promised: every part sees the smaller end before it grows again.
    for (const partition of partitions) partition.records = [];
    for (const partition of partitions) partition.low = 0;
    this.say(`${topic} is made anew`);
    for (const node of this.nodes) for (let p = 0; p < partitions.length; p++) node.fetch(topic, p, 1);
    for (const client of this.clients) client.forgetTopic(topic);
    for (const group of this.groups) {
      if (group.topic !== topic) continue;
      group.rebalance();
      group.forgetCommitted();
    }
    for (const write of this.slowWindow.waiting.splice(0)) write.settle(true);
    for (let p = 0; p < partitions.length; p++) void this.window.drop(topic, p).catch(() => undefined);
    this.#snapshot = null;
  }

  async #moveClient(): Promise<void> {
    const client = this.pick(this.clients);
    if (!client.isConnected) {
      if (this.chance(0.3)) await client.connect(this.pick(this.nodes));
    } else if (this.chance(0.04)) client.drop();
    else client.receive(this.pick([40, 200, 2_000]));
  }

  // ---- the end

  /** Everything calms down: whoever is behind must come to the head, and nothing may be missing. */
  async finish(): Promise<void> {
    this.say('calm');
    this.log.isAway = false;
    this.window.setAway(null);
    for (let round = 0; round < 90; round++) {
      for (const write of this.slowWindow.waiting.splice(0)) write.settle(false);
      for (const group of this.groups) await group.step(50, false);
      for (const node of this.nodes) {
        for (const [topic, partitions] of this.log.topics) {
          node.askPartitions(topic);
          for (let partition = 0; partition < partitions.length; partition++) while (node.fetch(topic, partition, 50));
        }
      }
      for (const client of this.clients) {
        if (!client.isConnected) await client.connect(this.pick(this.nodes));
        client.receive(100_000);
      }
      await this.environment.advance(300);
      // Longer than the parts' own periods: what was latched in the window must have been heard of.
      if (round > 40 && this.clients.every((client) => client.isAtHead)) break;
    }
    for (const client of this.clients) client.judge();
    const breached = await this.window.breaches();
    if (this.#weather === calmWeather && breached.size > 0) throw new Violation(`${[...breached].join()} was said to hold strays`);
    for (const node of this.nodes) node.stop();
    for (const indexer of this.#indexers) indexer.stop();
  }
}

/** Whether a position covers an offset: it was had, or filtered out, or given up. */
export function cursorIn(position: Position, topic: string, partition: number): number | null {
  const entry = position.topics.find(({ tag }) => tag === topicTag(topic));
  return entry?.kind === 'offsets' ? (entry.cursors.get(partition) ?? null) : null;
}

export const decode = (text: string): Position => {
  const position = decodePosition(text);
  if (position === null) throw new Violation(`${text} is no position`);
  return position;
};
