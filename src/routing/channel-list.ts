import { isChannelName } from '../protocol/channel-name.js';
import { channelBytesMax, recordChannelsMax } from '../protocol/names.js';
import type { BoundedCache } from '../std/bounded-cache.js';
import type { RoutingObserver } from './router.js';

/** Printable ASCII: the common case, decided without encoding. */
const plainChannel = /^[\x20-\x7e]+$/;

/** Names found valid before, each with the list of it alone: the events of one channel share that list, which is checked once. */
export type KnownChannels = BoundedCache<string, readonly string[]>;

const none: readonly string[] = [];

/** The channels of one record at a time, bounded: `recordChannelsMax` over all its routes, and as many attempts at most sixteen times over. */
export class ChannelList {
  #topic = '';
  readonly #observer: RoutingObserver;
  #left = recordChannelsMax;
  #attemptsLeft = recordChannelsMax * 16;
  readonly #known: KnownChannels;
  #channels: readonly string[] = none;

  constructor(observer: RoutingObserver, known: KnownChannels) {
    this.#observer = observer;
    this.#known = known;
  }

  /** Begins with the next record. */
  begin(topic: string): void {
    this.#topic = topic;
    this.#left = recordChannelsMax;
    this.#attemptsLeft = recordChannelsMax * 16;
    this.#channels = none;
  }

  add(channel: string): void {
    this.#attemptsLeft--;
    const known = this.#know(channel);
    if (known === undefined) this.skip('invalid-channel');
    else if (this.#channels.includes(channel)) return;
    else if (this.#left === 0) this.skip('too-many-channels');
    else {
      this.#left--;
      this.#channels = this.#channels.length === 0 ? known : [...this.#channels, channel];
    }
  }

  skip(why: 'missing-value' | 'invalid-channel' | 'too-many-channels'): void {
    this.#attemptsLeft--;
    this.#observer.channelSkipped(this.#topic, why);
  }

  /** True when more attempts are in vain. */
  isExhausted(): boolean {
    return this.#left === 0 || this.#attemptsLeft <= 0;
  }

  /** The channels added since the last call. */
  take(): readonly string[] {
    const channels = this.#channels;
    this.#channels = none;
    return channels;
  }

  /** The list of the channel alone; undefined when it is no name for one. */
  #know(channel: string): readonly string[] | undefined {
    const known = this.#known.get(channel);
    if (known !== undefined) return known;
    const isValid = channel.length <= channelBytesMax && plainChannel.test(channel) ? true : isChannelName(channel);
    if (!isValid) return undefined;
    const alone = [channel];
    this.#known.set(channel, alone);
    return alone;
  }
}
