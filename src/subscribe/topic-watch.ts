import type { Hub } from '../hub/hub.js';
import type { TopicLog } from '../hub/topic-log.js';
import type { EventLog, TopicDescription } from '../log/event-log.js';
import { countMarkMsMax, RecentCounts, staleProducerMsMax } from '../routing/recent-counts.js';
import type { Environment, Timer } from '../std/clock.js';
import { waitMs } from '../std/wait.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ReplayWindow } from '../window/replay-window.js';

export interface TopicWatchParts {
  readonly hub: Hub;
  readonly log: EventLog;
  readonly window: ReplayWindow | null;
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** How often breaches, partition counts and cleanup policies are asked for. */
  readonly periodMs: number;
}

/** Strays that may wait for one answer of the log; more are a breach without asking. */
const straysMax = 10_000;

/** The log is asked so often, so far apart, before a stray is a breach: it may not answer, or answer what was true a second ago. */
const asksMax = 7;
const askAgainMs = 500;

/** Knows what of the topics can change while the node runs: their partition counts, broken keyed promises, and whether they are compacted. */
export class TopicWatch {
  readonly #parts: TopicWatchParts;
  readonly #timer: Timer;
  readonly #stopping = new AbortController();
  #compacted: ReadonlyMap<string, boolean> = new Map();
  /** Of each keyed topic. */
  readonly #counts: ReadonlyMap<TopicLog, RecentCounts>;
  /** Strays about which the log is being asked. */
  readonly #strays = new Map<TopicLog, ((partitionCount: number) => boolean)[]>();
  /** The counts that the log told then. */
  readonly #askedCounts = new Map<TopicLog, number>();
  /** Breaches that this node found, and the window does not know yet. */
  readonly #unlatched = new Set<string>();

  constructor(parts: TopicWatchParts) {
    this.#parts = parts;
    const keyed = parts.hub.topics.all().filter(({ isKeyed }) => isKeyed);
    this.#counts = new Map(keyed.map((topic) => [topic, new RecentCounts(parts.environment.clock)]));
    this.#timer = parts.environment.timers.every(parts.periodMs, () => void this.look());
  }

  /** Asks once; what cannot be asked now is asked again with the next period. To be called once before the tail begins. */
  async look(): Promise<void> {
    const { hub, log, window } = this.#parts;
    const names = hub.topics.all().map(({ topic }) => topic);
    const [described, breached] = await Promise.allSettled([log.describe(names), window?.breaches()]);
    if (described.status === 'fulfilled') {
      this.#compacted = new Map([...described.value.values()].map(({ topic, compacted }) => [topic, compacted]));
    }
    if (breached.status === 'fulfilled') for (const name of breached.value ?? []) this.#breach(name);
    await this.#learnCounts(described.status === 'fulfilled' ? described.value : new Map());
    for (const name of this.#unlatched) this.#latch(name);
    for (const topic of hub.topics.all()) await this.#lookAhead(topic).catch(() => undefined);
  }

  /** Notes the counts of now, and learns from the window which ones were current lately: producers and nodes may still go by those. */
  async #learnCounts(described: ReadonlyMap<string, TopicDescription>): Promise<void> {
    const { window } = this.#parts;
    const learning = [...this.#counts].map(async ([topic, counts]) => {
      for (const count of [described.get(topic.topic)?.partitionCount ?? 0, topic.partitionCount]) {
        counts.note({ kind: 'current', count, agoMs: 0 });
      }
      await this.#shareCounts(topic, counts);
      const smallest = counts.smallest(staleProducerMsMax);
      if (smallest === null) return;
      // Learned too late: this node's readers do not look there, so no node may let a record pass that is at home there alone.
      const isBlind = topic.partitionCount > 0 && smallest < topic.firstPartitionCount && counts.blindFrom < topic.firstPartitionCount;
      if (isBlind) {
        counts.note({ kind: 'blind', count: topic.firstPartitionCount, agoMs: 0 });
        if (window !== null) await this.#shareCounts(topic, counts);
      }
      topic.setOlderCounts(counts.smallest(countMarkMsMax) ?? smallest, smallest, counts.blindFrom);
    });
    await Promise.all(learning);
  }

  async #shareCounts(topic: TopicLog, counts: RecentCounts): Promise<void> {
    const known = await this.#parts.window?.shareCounts(topic.topic, counts.marks()).catch(() => null);
    for (const mark of known ?? []) counts.note(mark);
  }

  /**
   * A reader that came from a node further on waits for this node's tail. If the topic was made again meanwhile, a tail that had read nothing of
   * it cannot see that: the log's end tells.
   */
  async #lookAhead(topic: TopicLog): Promise<void> {
    const { hub, log } = this.#parts;
    if (topic.partitions().every((partition) => partition.ahead.size === 0)) return;
    for (const { partition, low, end } of await log.offsets(topic.topic)) hub.checkAhead(topic.partition(partition), low, end);
  }

  /** Null: not known yet. */
  isCompacted(topic: string): boolean | null {
    return this.#compacted.get(topic) ?? null;
  }

  /**
   * This node saw a record where none should be. A producer may know of a growth before this node does, so the log is asked: where a count that is
   * news puts the record there, growth will see to it. Else every node is told, and readers that are away will be.
   */
  hearStray(topic: TopicLog, isHomeUnder: (partitionCount: number) => boolean): void {
    if (topic.isBreached || fitsGrowth(topic, this.#askedCounts.get(topic) ?? 0, isHomeUnder)) return;
    const waiting = this.#strays.get(topic);
    if (waiting === undefined) {
      this.#strays.set(topic, [isHomeUnder]);
      void this.#judgeStrays(topic);
    } else if (waiting.length < straysMax) waiting.push(isHomeUnder);
    else this.#breachEverywhere(topic.topic);
  }

  async #judgeStrays(topic: TopicLog): Promise<void> {
    for (let heard = this.#strays.get(topic) ?? []; heard.length > 0 && !topic.isBreached; heard = this.#strays.get(topic) ?? []) {
      this.#strays.set(topic, []);
      if (!(await this.#areAtHome(topic, heard))) this.#breachEverywhere(topic.topic);
    }
    this.#strays.delete(topic);
  }

  /** Live readers look at those partitions already, so there is time to ask again. */
  async #areAtHome(topic: TopicLog, heard: readonly ((partitionCount: number) => boolean)[]): Promise<boolean> {
    const { log, environment } = this.#parts;
    for (let asks = 1; !topic.isBreached; asks++) {
      const described = await log.describe([topic.topic]).catch(() => null);
      const told = described?.get(topic.topic)?.partitionCount ?? 0;
      const count = Math.max(told, topic.partitionCount, this.#askedCounts.get(topic) ?? 0);
      this.#askedCounts.set(topic, count);
      if (heard.every((isHomeUnder) => fitsGrowth(topic, count, isHomeUnder))) return true;
      if (asks === asksMax) return false;
      await waitMs(environment.timers, askAgainMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return false;
    }
    return true;
  }

  #breachEverywhere(name: string): void {
    this.#breach(name);
    if (this.#parts.window === null) return;
    this.#unlatched.add(name);
    this.#latch(name);
  }

  /** Readers that are away are told by what is latched: until it is, it is tried again with every look. */
  #latch(name: string): void {
    void this.#parts.window?.latchBreach(name).then(
      () => this.#unlatched.delete(name),
      (error: unknown) => this.#parts.logger.warn('a breach could not be latched; it is tried again', { topic: name, error }),
    );
  }

  stop(): void {
    this.#timer.cancel();
    this.#stopping.abort();
  }

  #breach(name: string): void {
    const { hub, metrics, logger } = this.#parts;
    const topic = hub.topics.get(name);
    if (topic === undefined || topic.isBreached) return;
    metrics.keyedBreach(name);
    logger.error('a keyed topic holds records outside their home partition; its readers look at every partition from now on', {
      topic: name,
    });
    hub.breach(topic);
  }
}

/**
 * Whether a count up to `countMax` explains a record that none of the topic's counts explained when it came. The node may have learned of the
 * growth since, so counts from the first that is accepted are tried.
 */
function fitsGrowth(topic: TopicLog, countMax: number, isHomeUnder: (partitionCount: number) => boolean): boolean {
  for (let count = topic.acceptedFrom; count <= countMax; count++) if (isHomeUnder(count)) return true;
  return false;
}
