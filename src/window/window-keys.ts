import { createHash } from 'node:crypto';
import type { WindowOptions, WindowTopic } from './window-options.js';

/** The layout of keys. Part of what nodes of one deployment agree on: a change of meaning needs another `layoutVersion`. */
const layoutVersion = 'w1';

/** Names the keys of a window. Every key of one bucket shares the hash tag `{bucket/count}`, so what vouches lives and dies with its streams. */
export class WindowKeys {
  readonly bucketCount: number;
  readonly #prefix: string;
  readonly #describe: (topic: string) => WindowTopic;
  readonly #topics = new Map<string, { readonly id: string; readonly topic: WindowTopic }>();

  constructor(options: WindowOptions) {
    this.bucketCount = options.bucketCount ?? 1;
    this.#prefix = options.prefix;
    this.#describe = (topic) => options.describeTopic(topic);
  }

  /** The bucket of a channel. */
  bucketOf(channel: string): number {
    return this.bucketCount === 1 ? 0 : mixedHash(channel) % this.bucketCount;
  }

  /** Channels by bucket, in the order asked within each. */
  group(channels: readonly string[]): ReadonlyMap<number, readonly string[]> {
    const groups = new Map<number, string[]>();
    for (const channel of channels) {
      const bucket = this.bucketOf(channel);
      const group = groups.get(bucket);
      if (group === undefined) groups.set(bucket, [channel]);
      else group.push(channel);
    }
    return groups;
  }

  /** Begins every key of one partition in one bucket. The count is in it: a window of 16 buckets says nothing about one of 8. */
  partition(topic: string, partition: number, bucket: number): string {
    return `${this.#bucket(bucket)}:${this.topicId(topic)}:${partition}`;
  }

  /** The set of topics whose breach is latched, in one bucket. */
  breaches(bucket: number): string {
    return `${this.#bucket(bucket)}:breaches`;
  }

  /** What is known of the topic's partition counts: whatever the routes and the buckets are, but of one generation. */
  counts(topic: string): string {
    const digest = createHash('sha256')
      .update(JSON.stringify([topic, this.#topic(topic).topic.generation]))
      .digest('hex');
    return `${this.#prefix}:${layoutVersion}:{counts}:${topic}~${digest.slice(0, 12)}`;
  }

  /** Names the topic as routed now: another fingerprint or generation is another topic. */
  topicId(topic: string): string {
    return this.#topic(topic).id;
  }

  /** The topic that an id names, if it is still routed so; null for ids of other fingerprints and generations. */
  topicOf(id: string): string | null {
    const topic = id.slice(0, id.lastIndexOf('~'));
    return topic !== '' && this.#isDescribed(topic) && this.topicId(topic) === id ? topic : null;
  }

  /** See `WindowTopic.latestTtlMs`; null: not given. */
  latestTtlMs(topic: string): number | null {
    return this.#topic(topic).topic.latestTtlMs ?? null;
  }

  /** Ids are read from a shared store: one of a topic that this process does not route is none of its own. */
  #isDescribed(topic: string): boolean {
    try {
      return this.#topic(topic).id !== '';
    } catch {
      return false;
    }
  }

  #bucket(bucket: number): string {
    return `${this.#prefix}:${layoutVersion}:{${bucket}/${this.bucketCount}}`;
  }

  #topic(name: string): { readonly id: string; readonly topic: WindowTopic } {
    let known = this.#topics.get(name);
    if (known === undefined) {
      const topic = this.#describe(name);
      const digest = createHash('sha256')
        .update(JSON.stringify([name, topic.generation, topic.fingerprint]))
        .digest('hex');
      known = { id: `${name}~${digest.slice(0, 12)}`, topic };
      this.#topics.set(name, known);
    }
    return known;
  }
}

/** FNV-1a over UTF-16 units with a final mix; stable for ever, as every node must find the same bucket. */
function mixedHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
