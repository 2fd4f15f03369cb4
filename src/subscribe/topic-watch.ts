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

/** Knows what of the topics can change while the node runs: broken keyed promises, and whether they are compacted. */
export class TopicWatch {
  readonly #parts: TopicWatchParts;
  readonly #timer: Timer;
  #compacted: ReadonlySet<string> = new Set();

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
      this.#compacted = new Set([...described.value.values()].filter(({ compacted }) => compacted).map(({ topic }) => topic));
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

  isCompacted(topic: string): boolean {
    return this.#compacted.has(topic);
  }

  /** This node saw a record where none should be: every node is told, and readers that are away will be. */
  hearStray(name: string): void {
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
