import { checkRoutes } from './check-routes.js';
import { parseRoute } from './parse-route.js';
import type { Route, RouteProblem } from './route.js';
import { FieldReader } from '../std/field-reader.js';

export type ParsedRoutes =
  | { readonly kind: 'routes'; readonly routes: readonly Route[] }
  /** Every problem at once. */
  | { readonly kind: 'problems'; readonly problems: readonly RouteProblem[] };

const routesMax = 1_000;

/** Routes as they are when none are configured: one topic of events that HTTP may publish to, the key being the channel. */
export const defaultRoutes: unknown = [
  {
    topic: 'selvage.events',
    channels: ['{key|raw}'],
    keyed: 'murmur2',
    type: ['{header:ce_type}', '{header:selvage-type|message}'],
    publish: true,
  },
];

/** Checks the value of `routes` of the configuration. Paths of problems begin with `routes`. */
export function parseRoutes(raw: unknown): ParsedRoutes {
  const reader = new FieldReader();
  if (!Array.isArray(raw)) return { kind: 'problems', problems: [{ path: 'routes', message: 'must be a list' }] };
  if (raw.length === 0) reader.problem('routes', 'is an empty list: nothing would be read');
  if (raw.length > routesMax) reader.problem('routes', `has ${raw.length} elements, at most ${routesMax} are allowed`);
  const parsed = raw.slice(0, routesMax).map((value, i) => parseRoute(reader, `routes[${i}]`, value));
  const routes = parsed.filter((route) => route !== undefined);
  if (reader.problems.length === 0) checkRoutes(reader, routes);
  return reader.problems.length === 0 ? { kind: 'routes', routes } : { kind: 'problems', problems: reader.problems };
}
