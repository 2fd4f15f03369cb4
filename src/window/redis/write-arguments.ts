import { decodeEventData } from '../../protocol/event-body-codec.js';
import { keepsLatest } from '../../routing/latest-rule.js';
import type { RoutedEvent } from '../../routing/routed-event.js';
import type { WindowStretch } from '../replay-window.js';
import type { WindowKeys } from '../window-keys.js';
import type { WindowLifetimes } from '../window-options.js';

export type ScriptArgument = string | number | Buffer;

/** KEYS and ARGV of one call of `write-stretch.lua`. */
export interface WriteCall {
  readonly keys: readonly string[];
  readonly args: readonly ScriptArgument[];
}

export interface WriteLimits {
  readonly lifetimes: WindowLifetimes;
  readonly eventsPerChannelMax: number;
}

/** One call for each bucket: all advance, with entries or without. */
export function writeCalls(stretch: WindowStretch, names: WindowKeys, limits: WriteLimits, onlyAtHigh = false): readonly WriteCall[] {
  const buckets = Array.from({ length: names.bucketCount }, (_, bucket) => new BucketCall(stretch, names, bucket));
  for (const event of stretch.events) {
    for (const [bucket, channels] of names.group(event.channels)) buckets[bucket]?.add(event, channels);
  }
  return buckets.map((bucket) => bucket.build(stretch, limits, onlyAtHigh));
}

class BucketCall {
  readonly #base: string;
  readonly #keys: string[];
  readonly #indexes = new Map<string, number>();
  readonly #breachMember: string;
  readonly #events: ScriptArgument[] = [];
  #count = 0;

  constructor(stretch: WindowStretch, names: WindowKeys, bucket: number) {
    this.#base = names.partition(stretch.topic, stretch.partition, bucket);
    this.#keys = [this.#base, `${this.#base}:m`, names.breaches(bucket)];
    this.#breachMember = stretch.breach === true ? names.topicId(stretch.topic) : '';
  }

  add(event: RoutedEvent, channels: readonly string[]): void {
    const { offset, index, type, attributes, timestampMs, body, latest } = event;
    const data = decodeEventData(body);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const attributesText = attributes === null ? '' : JSON.stringify(attributes);
    this.#events.push(offset, index, offset + 1, type, attributesText, timestampMs, bytes, latest?.ttlMs ?? '', latest?.bytesMax ?? '');
    this.#events.push(channels.length);
    for (const channel of channels) {
      const isKept = latest !== null && keepsLatest(latest, channel);
      this.#events.push(this.#indexOf(`s:${channel}`), isKept ? this.#indexOf(`l:${channel}`) : 0);
    }
    this.#count += 1;
  }

  build(stretch: WindowStretch, limits: WriteLimits, onlyAtHigh: boolean): WriteCall {
    const { ageMs, markEveryMs, streamTtlMs, stateTtlMs } = limits.lifetimes;
    const head = [stretch.from, stretch.to, ageMs, markEveryMs, streamTtlMs, stateTtlMs, limits.eventsPerChannelMax];
    return { keys: this.#keys, args: [...head, this.#breachMember, onlyAtHigh ? 1 : 0, this.#count, ...this.#events] };
  }

  /** Where the key is in KEYS, counted from 1 as Lua does. */
  #indexOf(name: string): number {
    let index = this.#indexes.get(name);
    if (index === undefined) {
      index = this.#keys.push(`${this.#base}:${name}`);
      this.#indexes.set(name, index);
    }
    return index;
  }
}
