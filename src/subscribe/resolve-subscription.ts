import { createEnvelopeFormat, jsonLinesFormat, plainFormat, type FrameFormat } from '../hub/frame-format.js';
import type { Subscription, SubscriptionSource } from '../hub/subscription.js';
import { BoundedCache } from '../std/bounded-cache.js';
import type { TopicTable } from '../hub/topic-table.js';
import type { ChannelSource, HomePartition, Router } from '../routing/router.js';
import { RefusedError, type StreamRequest } from './stream-request.js';

/** A subscription and which of its channels keep a latest event. */
export interface ResolvedSubscription {
  readonly subscription: Subscription;
  /** Topic → channels of it whose latest event is kept. */
  readonly latest: ReadonlyMap<string, readonly string[]>;
}

/** Subscriptions that are remembered, so that the readers of one share it: by itself it is a kilobyte. */
const rememberedMax = 10_000;

/** Turns channels into what the hub needs to know of them. */
export class SubscriptionResolver {
  readonly #router: Router;
  readonly #topics: TopicTable;
  readonly #known = new BoundedCache<string, ResolvedSubscription>(rememberedMax);
  readonly #formats: Readonly<Record<StreamRequest['format'], FrameFormat>>;

  constructor(router: Router, topics: TopicTable) {
    this.#router = router;
    this.#topics = topics;
    this.#formats = { plain: plainFormat, envelope: createEnvelopeFormat(), json: jsonLinesFormat };
  }

  /** Throws `RefusedError` for a channel that no route can produce. */
  resolve({ channels, filter, format }: StreamRequest): ResolvedSubscription {
    const key = subscriptionKey(channels, filter, format);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const resolved = this.#resolve(key, channels, filter, format);
    this.#known.set(key, resolved);
    return resolved;
  }

  #resolve(
    key: string,
    channels: readonly string[],
    filter: StreamRequest['filter'],
    format: StreamRequest['format'],
  ): ResolvedSubscription {
    const sources = new Map<string, { homes: HomePartition[] | null; byTime: boolean }>();
    const latest = new Map<string, string[]>();
    for (const channel of channels) {
      for (const source of this.#sourcesOf(channel)) {
        const known = sources.get(source.topic);
        if (known === undefined)
          sources.set(source.topic, { homes: source.home === null ? null : [source.home], byTime: source.position === 'time' });
        else if (source.home === null) known.homes = null;
        else known.homes?.push(source.home);
        if (source.hasLatest) latest.set(source.topic, [...(latest.get(source.topic) ?? []), channel]);
      }
    }
    const subscription: Subscription = {
      key,
      channels,
      filter,
      format: this.#formats[format],
      sources: [...sources].map(([topic, source]) => this.#source(topic, source)).sort((a, b) => a.topic.serial - b.topic.serial),
    };
    return { subscription, latest };
  }

  #sourcesOf(channel: string): readonly ChannelSource[] {
    const sources = this.#router.sourcesOf(channel);
    if (sources.length === 0) throw new RefusedError('unroutable-channel', `No route can produce the channel ${JSON.stringify(channel)}.`);
    return sources;
  }

  #source(name: string, { homes, byTime }: { homes: readonly HomePartition[] | null; byTime: boolean }): SubscriptionSource {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Error(`the topic ${name} is routed but not in the table`);
    if (homes !== null) topic.hasHomeReaders = true;
    return { topic, homes, byTime };
  }
}

function subscriptionKey(channels: readonly string[], { types, attributes, until }: StreamRequest['filter'], format: string): string {
  if (types === null && attributes.length === 0 && until === null && channels.length === 1) return `${format} ${channels[0] ?? ''}`;
  const sorted = (values: ReadonlySet<string> | null): readonly string[] | null => (values === null ? null : [...values].sort());
  return JSON.stringify([format, channels, sorted(types), attributes.map(([name, values]) => [name, sorted(values)]), sorted(until)]);
}
