import type { JsonPointer } from './json-pointer.js';
import type { KeyHash } from './partition-hash.js';
import type { LatestRule } from './routed-event.js';
import type { Template, ValueSource } from './template.js';

/** One condition of `when`: the value must be one of `accepted`. A JSON array fits when one of its elements does. */
export interface Condition {
  readonly source: ValueSource;
  readonly accepted: readonly string[];
}

/** A JSON pointer to pick, and the name that its value gets. */
export interface Pick {
  readonly name: string;
  readonly pointer: JsonPointer;
}

/** A route as checked by `parseRoutes`. */
export interface Route {
  readonly topic: string;
  readonly channels: readonly Template[];
  /** The first that resolves wins; none: `message`. */
  readonly types: readonly Template[];
  readonly attributes: readonly { readonly name: string; readonly template: Template }[];
  /** All must hold. */
  readonly when: readonly Condition[];
  /** null: the whole value. */
  readonly pick: readonly Pick[] | null;
  /** What a record without a value becomes; null: nothing. */
  readonly tombstone: { readonly type: string; readonly data: string } | null;
  readonly keyed: KeyHash | false;
  readonly latest: LatestRule | null;
  readonly publish: boolean;
  readonly position: 'offset' | 'time';
  readonly generation: string;
  readonly compactedMeans: 'gap' | 'current-state';
}

/** Something wrong in the configuration: where, and a sentence that follows the path. */
export interface RouteProblem {
  readonly path: string;
  readonly message: string;
}
