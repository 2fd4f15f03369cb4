import type { UrlShape } from '../../protocol/url-shape.js';
import type { DataTemplate } from './data-template.js';
import type { StreamTemplate } from './stream-template.js';

/** An event that the configuration writes. */
export interface ConfiguredEvent {
  readonly type: string;
  /** An object. */
  readonly data: DataTemplate;
}

/** Where a reader without a position begins: before the newest events, or at the newest of a type. */
export type Rewind = { readonly kind: 'count'; readonly count: number } | { readonly kind: 'to'; readonly types: readonly string[] };

/** A shape of addresses and what is streamed there, as checked by `parseNamedStreams`. */
export interface NamedStream {
  /** For metrics, documents and the permission hook: from a closed set. */
  readonly name: string;
  /** All with the same values in them. */
  readonly shapes: readonly UrlShape[];
  readonly channels: readonly StreamTemplate[];
  readonly auth: 'required' | 'optional' | 'none';
  /** `token`: the caller's grant must cover the channels. `hook`: somebody is asked. `none`: who comes to the address may read it. */
  readonly permission: 'token' | 'hook' | 'none';
  readonly greeting: ConfiguredEvent | null;
  readonly heartbeat: (ConfiguredEvent & { readonly everyMs: number }) | null;
  /** Begins with the latest event of its channels. */
  readonly hasState: boolean;
  readonly rewind: Rewind | null;
  /** Types that end the stream; null: none. */
  readonly until: readonly string[] | null;
  /** The only types that are sent, besides those that end it; null: all. */
  readonly types: readonly string[] | null;
  readonly timeout: (ConfiguredEvent & { readonly afterMs: number }) | null;
  /** What is answered where the hook knows nothing of the kind; null: 404. */
  readonly unknown: ConfiguredEvent | null;
  readonly format: 'plain' | 'envelope';
  /** Parameters that a client may add, besides the position, `format` and `wait`. */
  readonly allowQuery: readonly string[];
  /** null: as all streams. */
  readonly maxAgeMs: number | null;
  readonly retryMs: number | null;
}

/** Whether a resume after the end is answered 204. */
export const hasEnd = (stream: NamedStream): boolean => stream.until !== null || stream.timeout !== null || stream.unknown !== null;
