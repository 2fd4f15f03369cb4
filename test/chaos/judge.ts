import { decodePosition, topicTag } from '../../src/protocol/position.js';
import type { Asked, Moment, ReaderHistory } from './reader-history.js';
import type { TrueRecord } from './records.js';

export interface Violation {
  readonly reader: string;
  readonly kind:
    'loss' | 'duplicate' | 'order' | 'leak' | 'phantom' | 'fallen-position' | 'bad-position' | 'not-at-head' | 'complaint' | 'gap';
  readonly what: string;
  /** Index into the history's moments. */
  readonly at: number;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Gaps told, by reason. */
  readonly gaps: ReadonlyMap<string, number>;
  readonly coveredByGaps: number;
  readonly delivered: number;
}

/** What Kafka holds, ready to be compared with what readers had. */
export class Truth {
  readonly byNumber = new Map<number, TrueRecord>();
  readonly #byTag = new Map<string, { readonly topic: string; readonly partitions: Map<number, TrueRecord[]> }>();
  readonly #perAsked = new Map<string, Map<string, TrueRecord[]>>();

  /** `records` in the order of their offsets, a partition at a time. */
  constructor(topics: readonly string[], records: readonly TrueRecord[]) {
    for (const topic of topics) this.#byTag.set(topicTag(topic), { topic, partitions: new Map() });
    for (const record of records) {
      if (this.byNumber.has(record.n)) throw new Error(`the producer wrote record ${record.n} twice: the world is broken, not the readers`);
      this.byNumber.set(record.n, record);
      const { partitions } = this.#byTag.get(topicTag(record.topic)) as { partitions: Map<number, TrueRecord[]> };
      const list = partitions.get(record.partition);
      if (list) list.push(record);
      else partitions.set(record.partition, [record]);
    }
  }

  topicOf(tag: string): string | undefined {
    return this.#byTag.get(tag)?.topic;
  }

  /** `topic/partition` → the records that such a reader is to get, in order. */
  expectedBy(asked: Asked): ReadonlyMap<string, readonly TrueRecord[]> {
    const key = JSON.stringify(asked);
    let expected = this.#perAsked.get(key);
    if (expected === undefined) {
      expected = new Map();
      for (const { topic, partitions } of this.#byTag.values()) {
        for (const [partition, records] of partitions) {
          const wanted = records.filter((record) => isFor(asked, record));
          if (wanted.length > 0) expected.set(`${topic}/${partition}`, wanted);
        }
      }
      this.#perAsked.set(key, expected);
    }
    return expected;
  }
}

export function isFor({ channels, kind, session }: Asked, record: TrueRecord): boolean {
  if (!record.channels.some((channel) => channels.includes(channel))) return false;
  if (kind !== null && record.kind !== kind && record.kind !== 'mark') return false;
  return session === null || record.session === session;
}

interface PartitionState {
  /** The last offset that a position or gap passed. */
  cursor: number;
  /** Index of the first expected record beyond `cursor`. */
  next: number;
  readonly expected: readonly TrueRecord[];
  /** Offset of the last event that arrived. */
  lastArrived: number;
}

/**
 * Replays one reader's history against the truth. Every position that it was given must be exact at that moment: everything of its channels at or below it had or
 * covered by a gap, nothing above it had.
 */
export class Judge {
  readonly violations: Violation[] = [];
  readonly gaps = new Map<string, number>();
  coveredByGaps = 0;
  delivered = 0;
  readonly #truth: Truth;
  readonly #history: ReaderHistory;
  readonly #states = new Map<string, PartitionState>();
  readonly #expected: ReadonlyMap<string, readonly TrueRecord[]>;
  readonly #arrived = new Set<TrueRecord>();
  #startedAtMs: number | null = null;
  #at = 0;

  constructor(truth: Truth, history: ReaderHistory) {
    this.#truth = truth;
    this.#history = history;
    this.#expected = truth.expectedBy(history.asked);
  }

  judge(): Verdict {
    for (const complaint of this.#history.complaints) this.#violate('complaint', complaint);
    for (const [index, moment] of this.#history.moments.entries()) {
      this.#at = index;
      this.#take(moment);
    }
    this.#judgeEnd();
    return this;
  }

  #take(moment: Moment): void {
    switch (moment.what) {
      case 'event':
        this.#takeEvent(moment);
        this.#takePosition(moment.id, moment.atMs, false);
        return;
      case 'position':
        return this.#takePosition(moment.id, moment.atMs, false);
      case 'gap':
        this.gaps.set(moment.reason, (this.gaps.get(moment.reason) ?? 0) + 1);
        return this.#takePosition(moment.id, moment.atMs, true);
      case 'connect':
      case 'end':
    }
  }

  #takeEvent({ n, fault }: Moment & { what: 'event' }): void {
    if (fault !== null) this.#violate('complaint', fault);
    const record = this.#truth.byNumber.get(n);
    if (record === undefined) return this.#violate('phantom', `record ${n} is not in Kafka`);
    if (!isFor(this.#history.asked, record)) return this.#violate('leak', `${describe(record)} is of ${record.channels.join(' and ')}`);
    if (this.#arrived.has(record)) return this.#violate('duplicate', `${describe(record)} came again`);
    this.#arrived.add(record);
    this.delivered++;
    const state = this.#states.get(`${record.topic}/${record.partition}`);
    if (state === undefined) return; // its own id brings the partition in
    if (record.offset <= state.lastArrived) this.#violate('order', `${describe(record)} came after offset ${state.lastArrived}`);
    else if (record.offset <= state.cursor) this.#violate('duplicate', `${describe(record)} came after a position at ${state.cursor}`);
    state.lastArrived = Math.max(state.lastArrived, record.offset);
  }

  #takePosition(id: string, atMs: number, isGap: boolean): void {
    const position = decodePosition(id);
    if (position === null) return this.#violate('bad-position', id);
    const isFirst = this.#startedAtMs === null;
    this.#startedAtMs ??= atMs;
    for (const entry of position.topics) {
      const topic = this.#truth.topicOf(entry.tag);
      if (topic === undefined || entry.kind !== 'offsets') {
        this.#violate('bad-position', `${id}: an entry for ${entry.tag}`);
        continue;
      }
      for (const [partition, cursor] of entry.cursors) this.#advance(`${topic}/${partition}`, cursor, isFirst, isGap);
    }
  }

  #advance(place: string, cursor: number, isFirst: boolean, isGap: boolean): void {
    let state = this.#states.get(place);
    if (state === undefined) {
      const expected = this.#expected.get(place) ?? [];
      state = { cursor: -1, next: 0, expected, lastArrived: -1 };
      this.#states.set(place, state);
      if (isFirst) while ((expected[state.next]?.offset ?? Infinity) <= cursor) state.next++;
      // A partition that came later, by growth: what was written after the reader began has to arrive.
      else
        while ((expected[state.next]?.at ?? Infinity) <= (this.#startedAtMs ?? 0) && !this.#arrived.has(expected[state.next] as TrueRecord))
          state.next++;
    }
    if (cursor < state.cursor) {
      this.#violate('fallen-position', `${place}: from ${state.cursor} to ${cursor}`);
      return;
    }
    for (; (state.expected[state.next]?.offset ?? Infinity) <= cursor; state.next++) {
      const record = state.expected[state.next] as TrueRecord;
      if (this.#arrived.has(record)) continue;
      if (isGap) this.coveredByGaps++;
      else
        this.#violate(
          'loss',
          `${describe(record)} (${record.channels.join(' and ')}) never came; the position passed it, from ${state.cursor} to ${cursor}`,
        );
    }
    state.cursor = cursor;
    if (state.lastArrived > cursor) this.#violate('bad-position', `${place}: at ${cursor} after offset ${state.lastArrived} had come`);
  }

  #judgeEnd(): void {
    if (this.#startedAtMs === null) return this.#violate('not-at-head', 'it never got a position');
    for (const [place, expected] of this.#expected) {
      const state = this.#states.get(place);
      if (state === undefined) {
        const missed = expected.find((record) => record.at > (this.#startedAtMs ?? 0) && !this.#arrived.has(record));
        if (missed !== undefined) this.#violate('loss', `${describe(missed)} never came; no position speaks of ${place}`);
      } else if (state.next < expected.length) {
        this.#violate('not-at-head', `${place}: at ${state.cursor}, ${expected.length - state.next} events short of the end`);
      }
    }
  }

  #violate(kind: Violation['kind'], what: string): void {
    this.violations.push({ reader: this.#history.name, kind, what, at: this.#at });
  }
}

export const describe = ({ topic, partition, offset, n, seq }: TrueRecord): string =>
  `${topic}/${partition}@${offset} (record ${n}, ${seq} of its channel)`;

/** Whether a reader with this last id is at the end of every partition that holds something for it. */
export function isAtHead(truth: Truth, asked: Asked, lastId: string | null): boolean {
  const position = lastId === null ? null : decodePosition(lastId);
  if (position === null) return false;
  const cursors = new Map<string, number>();
  for (const entry of position.topics) {
    if (entry.kind !== 'offsets') return false;
    for (const [partition, cursor] of entry.cursors) cursors.set(`${truth.topicOf(entry.tag) ?? ''}/${partition}`, cursor);
  }
  for (const [place, expected] of truth.expectedBy(asked)) {
    const last = expected.at(-1);
    const cursor = cursors.get(place);
    // Every partition that a channel lives in now ends with a mark; one that it has left need not be in the position.
    if (last !== undefined && (cursor === undefined ? last.kind === 'mark' : cursor < last.offset)) return false;
  }
  return true;
}
