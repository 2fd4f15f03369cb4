import type { LogRecord } from '../../../src/protocol/log-record.js';
import { decodeEventData } from '../../../src/protocol/event-body-codec.js';
import { createRouter } from '../../../src/routing/create-router.js';
import type { RouterOptions } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import type { RoutedEvent } from '../../../src/routing/routed-event.js';
import type { Router } from '../../../src/routing/router.js';

/** A router, and what it counted. */
export interface ObservedRouter {
  readonly router: Router;
  readonly counts: Map<string, number>;
}

export function routerOf(routes: unknown, options?: RouterOptions): ObservedRouter {
  const parsed = parseRoutes(routes);
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const observer = {
    unrouted: () => count('unrouted'),
    channelSkipped: (_: string, why: string) => count(why),
    typeReplaced: () => count('typeReplaced'),
  };
  return { router: createRouter(parsed.routes, observer, options), counts };
}

export interface PlainRecord {
  readonly key?: string | Uint8Array | null;
  /** Text and bytes as they are, other things as JSON. */
  readonly value?: unknown;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly offset?: number;
}

const bytesOf = (value: unknown): Uint8Array =>
  value instanceof Uint8Array ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

export function recordOf({ key = null, value = '', headers = {}, offset = 7 }: PlainRecord): LogRecord {
  const encoded = Object.entries(headers).map(([name, text]) => [name, typeof text === 'string' ? bytesOf(text) : text.map(bytesOf)]);
  return {
    offset,
    timestampMs: 1_000,
    key: key === null ? null : bytesOf(key),
    value: value === null ? null : bytesOf(value),
    headers: Object.fromEntries(encoded) as LogRecord['headers'],
  };
}

/** Routes one record; fails when it cannot be decoded. */
export function eventsOf({ router }: ObservedRouter, topic: string, record: PlainRecord): readonly RoutedEvent[] {
  const events = router.route(topic, 0, recordOf(record));
  if (typeof events === 'string') throw new Error(events);
  return events;
}

export const channelsOf = (observed: ObservedRouter, topic: string, record: PlainRecord): readonly string[] =>
  eventsOf(observed, topic, record).flatMap((event) => event.channels);

export const dataOf = (event: RoutedEvent | undefined): string =>
  event === undefined ? '' : Buffer.from(decodeEventData(event.body)).toString();
