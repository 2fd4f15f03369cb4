import type { Cohort } from './cohort.js';
import type { Subscriber } from './subscriber.js';

/** Who reads a channel on this node. */
export interface ChannelReaders {
  readonly cohorts: Cohort<Subscriber>[];
  /** Readers that are not at the tail: they read for themselves, but must hear of an event in a partition that they do not look at. */
  readonly catchingUp: Set<Subscriber>;
}

/** Channel → its readers. */
export class ChannelIndex {
  readonly #channels = new Map<string, ChannelReaders>();

  get(channel: string): ChannelReaders | undefined {
    return this.#channels.get(channel);
  }

  addCohort(cohort: Cohort<Subscriber>): void {
    for (const channel of cohort.subscription.channels) this.#readers(channel).cohorts.push(cohort);
  }

  removeCohort(cohort: Cohort<Subscriber>): void {
    for (const channel of cohort.subscription.channels) {
      const readers = this.#channels.get(channel);
      if (readers === undefined) continue;
      const at = readers.cohorts.indexOf(cohort);
      if (at >= 0) readers.cohorts.splice(at, 1);
      this.#dropIfEmpty(channel, readers);
    }
  }

  addCatchingUp(subscriber: Subscriber): void {
    for (const channel of subscriber.subscription.channels) this.#readers(channel).catchingUp.add(subscriber);
  }

  removeCatchingUp(subscriber: Subscriber): void {
    for (const channel of subscriber.subscription.channels) {
      const readers = this.#channels.get(channel);
      if (readers === undefined) continue;
      readers.catchingUp.delete(subscriber);
      this.#dropIfEmpty(channel, readers);
    }
  }

  #readers(channel: string): ChannelReaders {
    let readers = this.#channels.get(channel);
    if (readers === undefined) this.#channels.set(channel, (readers = { cohorts: [], catchingUp: new Set() }));
    return readers;
  }

  #dropIfEmpty(channel: string, readers: ChannelReaders): void {
    if (readers.cohorts.length === 0 && readers.catchingUp.size === 0) this.#channels.delete(channel);
  }
}
