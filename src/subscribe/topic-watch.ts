import type { Hub } from '../hub/hub.js';
import type { TopicLog } from '../hub/topic-log.js';
import type { EventLog } from '../log/event-log.js';
import type { Environment, Timer } from '../std/clock.js';
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
  /** How often breaches and cleanup policies are asked for. */
  readonly periodMs: number;
}

/** Strays that may wait for one answer of the log; more are a breach without asking. */
const straysMax = 10_000;

/** Knows what of the topics can change while the node runs: broken keyed promises, and whether they are compacted. */
export class TopicWatch {
  readonly #parts: TopicWatchParts;
  readonly #timer: Timer;
  #compacted: ReadonlyMap<string, boolean> = new Map();
  /** Strays about which the log is being asked. */
  readonly #strays = new Map<TopicLog, ((partitionCount: number) => boolean)[]>();
  /** The counts that the log told then. */
  readonly #askedCounts = new Map<TopicLog, number>();

  constructor(parts: TopicWatchParts) {
    this.#parts = parts;
    this.#timer = parts.environment.timers.every(parts.periodMs, () => void this.look());
  }

  /** Asks once; what cannot be asked now is asked again with the next period. */
  async look(): Promise<void> {
    const { hub, log, window } = this.#parts;
    const names = hub.topics.all().map(({ topic }) => topic);
    const [described, breached] = await Promise.allSettled([log.describe(names), window?.breaches()]);
    if (described.status === 'fulfilled') {
      this.#compacted = new Map([...described.value.values()].map(({ topic, compacted }) => [topic, compacted]));
    }
    if (breached.status === 'fulfilled') for (const name of breached.value ?? []) this.#breach(name);
    for (const topic of hub.topics.all()) await this.#lookAhead(topic).catch(() => undefined);
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
      const described = await this.#parts.log.describe([topic.topic]).catch(() => null);
      const count = described?.get(topic.topic)?.partitionCount ?? 0;
      this.#askedCounts.set(topic, count);
      if (!heard.every((isHomeUnder) => fitsGrowth(topic, count, isHomeUnder))) this.#breachEverywhere(topic.topic);
    }
    this.#strays.delete(topic);
  }

  #breachEverywhere(name: string): void {
    this.#breach(name);
    void this.#parts.window?.latchBreach(name).catch((error: unknown) => {
      this.#parts.logger.warn('a breach could not be latched; other nodes find it out for themselves', { topic: name, error });
    });
  }

  stop(): void {
    this.#timer.cancel();
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
 * growth since, so counts from its first on are tried.
 */
function fitsGrowth(topic: TopicLog, countMax: number, isHomeUnder: (partitionCount: number) => boolean): boolean {
  for (let count = topic.firstPartitionCount; count <= countMax; count++) if (isHomeUnder(count)) return true;
  return false;
}
