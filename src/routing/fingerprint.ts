import { createHash } from 'node:crypto';
import type { Route } from './route.js';

/** Raise it when the same routes come to make other events of a record. */
const grammarVersion = 1;

/**
 * A stable hash of everything that decides what the window holds for a topic: 16 hex digits. The order of routes counts (it numbers a record's
 * events), that of names in the configuration does not. `publish`, `position` and `compacted` are about readers and writers, not about content.
 */
export function fingerprintRoutes(routes: readonly Route[], eventBytesMax: number): string {
  const content = routes.map((route) => ({
    topic: route.topic,
    generation: route.generation,
    channels: route.channels.map((template) => template.text),
    types: route.types.map((template) => template.text),
    attributes: route.attributes.map(({ name, template }) => [name, template.text]).sort(byText),
    when: route.when.map(({ source, accepted }) => [source, [...accepted].sort()]).sort(byText),
    pick: route.pick,
    tombstone: route.tombstone,
    keyed: route.keyed,
    latest: route.latest,
  }));
  return createHash('sha256')
    .update(canonicalJson([grammarVersion, eventBytesMax, content]))
    .digest('hex')
    .slice(0, 16);
}

function byText(a: unknown, b: unknown): number {
  const left = canonicalJson(a);
  const right = canonicalJson(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** JSON with the names of objects in order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
