import { isChannelName } from '../protocol/channel-name.js';
import { channelBytesMax, recordChannelsMax } from '../protocol/names.js';
import type { RoutingObserver } from './router.js';

/** Printable ASCII: the common case, decided without encoding. */
const plainChannel = /^[\x20-\x7e]+$/;

/** The channels of one record, bounded: `recordChannelsMax` over all its routes, and as many attempts at most sixteen times over. */
export class ChannelList {
  readonly #topic: string;
  readonly #observer: RoutingObserver;
  #left = recordChannelsMax;
  #attemptsLeft = recordChannelsMax * 16;
  #channels: string[] = [];

  constructor(topic: string, observer: RoutingObserver) {
    this.#topic = topic;
    this.#observer = observer;
  }

  add(channel: string): void {
    this.#attemptsLeft--;
    const isValid = channel.length <= channelBytesMax && plainChannel.test(channel) ? true : isChannelName(channel);
    if (!isValid) this.skip('invalid-channel');
    else if (this.#channels.includes(channel)) return;
    else if (this.#left === 0) this.skip('too-many-channels');
    else {
      this.#left--;
      this.#channels.push(channel);
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
    this.#channels = [];
    return channels;
  }
}
