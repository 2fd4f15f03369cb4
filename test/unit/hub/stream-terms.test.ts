import { expect, test } from 'vitest';
import { jsonLinesFormat, plainFormat } from '../../../src/hub/frame-format.js';
import { Hub } from '../../../src/hub/hub.js';
import type { Start } from '../../../src/hub/subscriber-home.js';
import type { StreamTerms } from '../../../src/hub/stream-terms.js';
import type { Subscriber } from '../../../src/hub/subscriber.js';
import type { Subscription } from '../../../src/hub/subscription.js';
import { TopicTable } from '../../../src/hub/topic-table.js';
import { decodePosition } from '../../../src/protocol/position.js';
import { RecentStore } from '../../../src/recent/recent-store.js';
import { noFilter } from '../../../src/routing/filter.js';
import type { RecordEvent } from '../../../src/routing/record-event.js';
import { startAtTail } from '../../../src/subscribe/starting-point.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { recordEvent } from '../../platform/record-event.js';
import { SimEnvironment, seededRandom } from '../../simulation/sim-environment.js';

const noTerms: StreamTerms = {
  streamId: 's1',
  owner: 'ada',
  greeting: null,
  heartbeat: null,
  timeout: null,
  expiresAtMs: null,
  tokenNoticeMs: 30_000,
  maxAgeMs: 0,
  retryMs: null,
};
const timeout = { type: 'timeout', afterMs: 600_000, data: () => ({ message: 'too long' }) };
const heartbeat = { type: 'heartbeat', everyMs: 30_000, data: (nowMs: number) => ({ now: nowMs }) };

/** One channel in one partition, a clock that is moved by hand, and readers that keep what they were sent. */
class Scene {
  readonly environment = new SimEnvironment(seededRandom(1));
  readonly topics = new TopicTable('test', [
    { topic: 't', generation: '', fingerprint: 'f', compactedMeans: 'gap' } as ConstructorParameters<typeof TopicTable>[1][number],
  ]);
  readonly topic = this.topics.get('t')!;
  readonly deliveredAfterSeconds: number[] = [];
  readonly hub = new Hub({
    options: {
      keepAliveMs: 15_000,
      maxAgeMs: 100_000_000,
      retryMs: 1_000,
      stallMs: 60_000,
      pageEventsMax: 100,
      chunkBytesMax: 65_536,
      timeSlackMs: 0,
    },
    environment: this.environment,
    metrics: { ...noMetrics, delivered: (seconds) => void this.deliveredAfterSeconds.push(seconds) },
    tiers: { readPage: () => Promise.reject(new Error('everything is in memory')) },
    recentStore: new RecentStore({ ageMs: 1e12, bytesMax: 1_000_000 }, this.environment.clock),
    topics: this.topics,
    newBudget: () => ({ recordsLeft: 1, bytesLeft: 1, msLeft: 1 }),
    hearStray: () => undefined,
  });
  #offset = 0;

  constructor() {
    this.hub.grow(this.topic, 1);
    this.hub.startPartition(this.topic.partition(0), 0);
  }

  open(terms: Partial<StreamTerms>, start: Partial<Start> = {}, format: Subscription['format'] = plainFormat): Reader {
    const subscription = this.#subscriptionOf(format);
    const cursor = this.#cursorNow(subscription);
    const reader = new Reader();
    reader.subscriber = this.hub.attach(subscription, { cursor, gap: null, latest: [], isResume: false, ...start }, reader, {
      ...noTerms,
      ...terms,
    });
    return reader;
  }

  /** Where a reader is that goes away now. */
  cursorNow(): Start['cursor'] {
    return this.#cursorNow(this.#subscriptionOf(plainFormat));
  }

  #subscriptionOf(format: Subscription['format']): Subscription {
    const sources = [{ topic: this.topic, homes: null, byTime: false }];
    return { key: `${format.name} c`, channels: ['c'], filter: noFilter, format, sources };
  }

  #cursorNow(subscription: Subscription): Start['cursor'] {
    return startAtTail(subscription, 0).toCursor(this.topics.clusterTag);
  }

  publish(type: string): void {
    this.bring(type, [this.environment.nowMs]);
  }

  /** One fetch of events that were made then. */
  bring(type: string, timesMs: readonly number[]): void {
    const events = timesMs.map((timeMs) => eventOf(this.#offset++, type, timeMs));
    this.hub.ingest(this.topic.partition(0), events, this.#offset - 1);
    this.hub.flush();
  }

  pass(ms: number): Promise<void> {
    return this.environment.advance(ms);
  }
}

class Reader {
  text = '';
  endedWith: string | null = null;
  takesBytes = true;
  subscriber: Subscriber | null = null;

  write(bytes: Uint8Array): boolean {
    this.text += new TextDecoder().decode(bytes);
    return this.takesBytes;
  }

  end(bytes: Uint8Array, code: string): void {
    this.text += new TextDecoder().decode(bytes);
    this.endedWith = code;
  }

  count(type: string): number {
    return this.text.split(`event: ${type}\n`).length - 1;
  }

  get lastId(): string {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
  }
}

const eventOf = (offset: number, type: string, timestampMs: number): RecordEvent => recordEvent({ offset, type, timestampMs });

test('the greeting stands behind the first position, without an id, and before the present state', () => {
  const scene = new Scene();
  const reader = scene.open(
    { greeting: { type: 'connected', data: (nowMs) => ({ at: nowMs }) } },
    { latest: [eventOf(-1, 'progress', scene.environment.nowMs)] },
  );
  const [, head] = /^retry: \d+\n:\n([\s\S]*)$/.exec(reader.text) ?? [];
  const frames = (head ?? '').split('\n\n').filter((frame) => frame !== '');
  expect(frames.map((frame) => /^event: (.*)$/m.exec(frame)?.[1])).toEqual(['selvage.position', 'connected', 'progress']);
  expect(frames[1]).toBe(`event: connected\ndata: {"at":${scene.environment.nowMs}}`);
});

test('a heartbeat comes after its time of silence, again and again, and an event puts it off', async () => {
  const scene = new Scene();
  const reader = scene.open({ heartbeat });
  await scene.pass(20_000);
  scene.publish('progress');
  await scene.pass(29_000);
  expect(reader.count('heartbeat')).toBe(0);
  await scene.pass(2_000);
  expect(reader.count('heartbeat')).toBe(1);
  await scene.pass(60_000);
  expect(reader.count('heartbeat')).toBe(3);
  expect(reader.text.includes('id: \n')).toBe(false);
});

test('keep-alive comments go on between heartbeats', async () => {
  const scene = new Scene();
  const reader = scene.open({ heartbeat });
  await scene.pass(29_000);
  expect(reader.text.endsWith(':\n')).toBe(true);
});

test('a heartbeat moves no position', async () => {
  const scene = new Scene();
  const reader = scene.open({ heartbeat });
  scene.publish('progress');
  const { lastId } = reader;
  await scene.pass(31_000);
  expect(reader.count('heartbeat')).toBe(1);
  expect(reader.lastId).toBe(lastId);
});

test('a stream without news ends with its time-out, whose id says that it has ended', async () => {
  const scene = new Scene();
  const reader = scene.open({ timeout });
  await scene.pass(300_000);
  scene.publish('progress');
  await scene.pass(599_000);
  expect(reader.count('timeout')).toBe(0);
  await scene.pass(2_000);
  expect(reader.text).toContain('event: timeout\ndata: {"message":"too long"}\nid: ');
  expect(reader.endedWith).toBe('timeout');
  expect(decodePosition(reader.lastId)?.ended).toBe(true);
});

test('a time-out counts from the record time of the newest event, so that coming back does not put it off', async () => {
  const scene = new Scene();
  const reader = scene.open({ timeout }, { newestMs: scene.environment.nowMs - 590_000 });
  await scene.pass(11_000);
  expect(reader.endedWith).toBe('timeout');
});

test('a stream whose time has passed when it opens ends at once, behind the present state', () => {
  const scene = new Scene();
  const reader = scene.open({ timeout }, { latest: [eventOf(-1, 'progress', scene.environment.nowMs - 700_000)] });
  expect(reader.count('progress')).toBe(1);
  expect(reader.endedWith).toBe('timeout');
});

test('a stream that knows no event is left open for its time-out', async () => {
  const scene = new Scene();
  const reader = scene.open({ timeout, maxAgeMs: 60_000 });
  await scene.pass(590_000);
  expect(reader.endedWith).toBeNull();
  await scene.pass(11_000);
  expect(reader.endedWith).toBe('timeout');
});

test('a poll gets the time-out among its events', () => {
  const scene = new Scene();
  const reader = scene.open({ timeout }, { newestMs: scene.environment.nowMs - 700_000 }, jsonLinesFormat);
  expect(/^e(\{.*"type":"timeout".*\})$/m.exec(reader.text)?.[1]).toContain('"data":{"message":"too long"}');
});

test('the token notice comes 30 seconds before the end, and then the end', async () => {
  const scene = new Scene();
  const reader = scene.open({ expiresAtMs: scene.environment.nowMs + 120_000 });
  await scene.pass(89_000);
  expect(reader.count('selvage.token')).toBe(0);
  await scene.pass(2_000);
  expect(reader.count('selvage.token')).toBe(1);
  const { expiresInMs, stream } = JSON.parse(/selvage\.token\ndata: (.*)/.exec(reader.text)?.[1] ?? '') as Record<string, unknown>;
  expect(stream).toBe('s1');
  expect(expiresInMs).toBeGreaterThan(29_000);
  expect(expiresInMs).toBeLessThanOrEqual(30_000);
  await scene.pass(30_000);
  expect(reader.endedWith).toBe('token-expired');
  expect(reader.text).toContain('"reconnect":"resume"');
});

test('a renewed token keeps the stream open, and is noticed again at its own end', async () => {
  const scene = new Scene();
  const reader = scene.open({ expiresAtMs: scene.environment.nowMs + 60_000 });
  await scene.pass(40_000);
  reader.subscriber?.renew({ expiresAtMs: scene.environment.nowMs + 120_000 });
  await scene.pass(80_000);
  expect(reader.endedWith).toBeNull();
  await scene.pass(15_000);
  expect(reader.count('selvage.token')).toBe(2);
  await scene.pass(30_000);
  expect(reader.endedWith).toBe('token-expired');
});

test('an expired token ends a stream even while its socket takes nothing', async () => {
  const scene = new Scene();
  const reader = scene.open({ expiresAtMs: scene.environment.nowMs + 20_000 });
  reader.takesBytes = false;
  scene.publish('progress');
  await scene.pass(21_000);
  expect(reader.endedWith).toBe('token-expired');
});

test('a socket that is behind gets no heartbeat until it flows', async () => {
  const scene = new Scene();
  const reader = scene.open({ heartbeat });
  reader.takesBytes = false;
  scene.publish('progress');
  await scene.pass(40_000);
  expect(reader.count('heartbeat')).toBe(0);
  reader.takesBytes = true;
  reader.subscriber?.onWritable();
  await scene.pass(2_000);
  expect(reader.count('heartbeat')).toBe(1);
});

test('a final event ends the stream behind its greeting, and its id says so', () => {
  const scene = new Scene();
  const greeting = { type: 'connected', data: () => ({}) };
  const reader = scene.open({ greeting }, { final: { type: 'error', data: () => ({ error: 'unknown task' }) } });
  expect(reader.text).toMatch(/event: connected\ndata: \{\}\n\nevent: error\ndata: \{"error":"unknown task"\}\nid: .*~e\n\n/);
  expect(reader.endedWith).toBe('ended');
});

test('terms cost nothing when the stream is gone', async () => {
  const scene = new Scene();
  const reader = scene.open({ heartbeat });
  reader.subscriber?.onPeerGone();
  const { length } = reader.text;
  await scene.pass(120_000);
  expect(reader.text.length).toBe(length);
});

test('no stream is silent for longer than a keep-alive interval, and an idle one is written to once in it', async () => {
  const scene = new Scene();
  // Readers that begin at other times are visited at other times.
  const readers: Reader[] = [];
  for (let i = 0; i < 8; i++) {
    readers.push(scene.open({}));
    await scene.pass(1_100);
  }
  const writtenMs = readers.map(() => scene.environment.nowMs);
  const silencesMs = readers.map(() => 0);
  let lengths = readers.map((reader) => reader.text.length);
  let keepAlives = 0;
  const lookFor = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      await scene.pass(100);
      readers.forEach((reader, i) => {
        silencesMs[i] = Math.max(silencesMs[i] ?? 0, scene.environment.nowMs - (writtenMs[i] ?? 0));
        if (reader.text.length === lengths[i]) return;
        writtenMs[i] = scene.environment.nowMs;
        keepAlives++;
      });
      lengths = readers.map((reader) => reader.text.length);
    }
  };
  for (let i = 0; i < 12; i++) {
    await lookFor(16_300 + i * 700);
    scene.publish('progress');
  }
  expect(Math.max(...silencesMs)).toBeLessThanOrEqual(15_000 + 300);

  keepAlives = 0;
  await lookFor(150_000);
  expect(keepAlives).toBeGreaterThanOrEqual(8 * 9);
  expect(keepAlives).toBeLessThanOrEqual(8 * 11);
});

test.each([true, false])('what was there before a reader came says nothing of how prompt the node is (a resume: %s)', async (isResume) => {
  const scene = new Scene();
  const cursor = scene.cursorNow();
  scene.publish('progress');
  await scene.pass(10_000);
  const reader = scene.open({}, { cursor, isResume });
  expect(reader.count('progress')).toBe(1);
  expect(scene.deliveredAfterSeconds).toEqual([]);
  scene.publish('progress');
  expect(reader.count('progress')).toBe(2);
  expect(scene.deliveredAfterSeconds).toEqual([0]);
});

test('a backlog that comes at once is late with each of its events; what waited for a socket tells nothing of the node', async () => {
  const scene = new Scene();
  const [live, slow] = [scene.open({}), scene.open({})];
  slow.takesBytes = false;
  scene.publish('progress');
  await scene.pass(10_000);
  const nowMs = scene.environment.nowMs;
  scene.bring('progress', [nowMs - 9_000, nowMs - 4_000, nowMs]);
  expect(live.count('progress')).toBe(4);
  expect(scene.deliveredAfterSeconds).toEqual([0, 9, 4, 0]);
  slow.takesBytes = true;
  slow.subscriber?.onWritable();
  expect(slow.count('progress')).toBe(4);
  expect(scene.deliveredAfterSeconds).toEqual([0, 9, 4, 0]);
});
