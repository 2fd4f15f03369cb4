import type { LogBatch, TailHealth, TailListener } from '../log/event-log.js';
import type { ControlFeed } from './control-feed.js';

/**
 * Lets the node's one tail follow the control topic as well: what is of it goes to the feed of commands, all else to the other listener, which never hears of the
 * control topic. Health is the tail's as a whole: the other listener, which tells readiness, gets it.
 */
export class TailSplitter implements TailListener {
  readonly #topic: string;
  readonly #feed: ControlFeed;
  readonly #inner: TailListener;

  constructor(topic: string, feed: ControlFeed, inner: TailListener) {
    this.#topic = topic;
    this.#feed = feed;
    this.#inner = inner;
  }

  onPartitions(topic: string, partitionCount: number, added: readonly { readonly partition: number; readonly next: number }[]): void {
    if (topic === this.#topic) this.#feed.onPartitions(added);
    else this.#inner.onPartitions(topic, partitionCount, added);
  }

  onPartitionCountConfirmed(topic: string, partitionCount: number, askedAtTickMs: number): void {
    if (topic !== this.#topic) this.#inner.onPartitionCountConfirmed(topic, partitionCount, askedAtTickMs);
  }

  onBatch(batch: LogBatch): void {
    if (batch.topic === this.#topic) this.#feed.onBatch(batch);
    else this.#inner.onBatch(batch);
  }

  onReset(topic: string, partition: number, low: number): void {
    if (topic === this.#topic) this.#feed.onReset(partition, low);
    else this.#inner.onReset(topic, partition, low);
  }

  onHealth(health: TailHealth): void {
    this.#inner.onHealth(health);
  }
}
