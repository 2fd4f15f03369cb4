import type { IdentityRules } from '../admission/identity/parse-identity.js';
import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { Route } from '../routing/route.js';
import type { OptionValues } from './options.js';

/** The whole configuration, checked; frozen to its depth. Where an option may be absent, null stands for that. */
export interface Config extends OptionValues {
  readonly routes: readonly Route[];
  /** Shapes of addresses and what is streamed there. */
  readonly streams: readonly NamedStream[];
  /** Who is believed, and what is open to all; holds secrets. */
  readonly identity: IdentityRules;
  /** No Kafka is configured: the log is memory of this process. */
  readonly isEmbedded: boolean;
  /** Path of an option → the file that its secret was read from, to be read again when it may have changed. */
  readonly secretFiles: Readonly<Record<string, string>>;
  /** Sentences for the log: what works less well than one might think. */
  readonly notices: readonly string[];
}
