import type { ConfiguredEvent, NamedStream } from '../admission/named-streams/named-stream.js';
import type { ControlType } from '../protocol/names.js';
import type { Route } from '../routing/route.js';
import { valuePartsOf } from '../routing/template.js';
import { dataSchemaOf } from './data-schema.js';
import { schemaRef, type SchemaName } from './schemas.js';
import type { JsonObject } from './surface.js';

/** Messages of the document, by the name that they have there. */
export type Messages = Readonly<Record<string, JsonObject>>;

const controls: Readonly<Record<ControlType, readonly [schema: SchemaName, summary: string]>> = {
  'selvage.position': ['PositionMoved', 'The position moved without an event'],
  'selvage.gap': ['Gap', 'Events may be missing; the stream goes on from `to`'],
  'selvage.token': ['TokenRunsOut', 'The token runs out soon'],
  'selvage.close': ['Close', 'The server ends the stream on purpose'],
};

/** The events of the fabric itself. */
export const controlMessages: Messages = Object.fromEntries(
  Object.entries(controls).map(([type, [schema, summary]]) => [type, message(type, summary, schemaRef(schema))]),
);

/** An SSE event: `name` is its `event:`, the payload its `data:`. */
function message(type: string, summary: string, payload: JsonObject, types: readonly string[] = [type]): JsonObject {
  return { name: type, title: type, summary, contentType: 'application/json', payload, 'x-sse-event': types };
}

/** Name of a route's events in the document. */
export const routeName = (index: number): string => `event.${index + 1}`;

/** What a route makes of records: its events, and what a tombstone becomes. */
export function routeMessages(route: Route, name: string): Messages {
  const types = [
    ...new Set([
      ...route.types.map(({ text }) => text),
      ...(route.types.every((type) => valuePartsOf(type).length > 0) ? ['message'] : []),
    ]),
  ];
  const payload: JsonObject =
    route.pick === null
      ? { description: "The record's value: text, which is JSON where its producer writes JSON." }
      : { type: 'object', properties: Object.fromEntries(route.pick.map((pick) => [pick.name, {}])), additionalProperties: false };
  const { tombstone } = route;
  return {
    [name]: { ...message(types[0] ?? 'message', `An event of the topic ${route.topic}`, payload, types), name },
    ...(tombstone === null
      ? {}
      : { [`${name}.tombstone`]: message(tombstone.type, 'What a record without a value becomes', { description: tombstone.data }) }),
  };
}

/** What the configuration writes into a named stream. */
export function streamMessages({ name, greeting, heartbeat, timeout, unknown }: NamedStream): Messages {
  const events: readonly (readonly [string, ConfiguredEvent | null, string])[] = [
    ['greeting', greeting, 'The stream has begun'],
    ['heartbeat', heartbeat, `Comes every ${(heartbeat?.everyMs ?? 0) / 1_000} s`],
    ['timeout', timeout, `Nothing has come for ${(timeout?.afterMs ?? 0) / 1_000} s; the stream ends`],
    ['unknown', unknown, 'There is nothing of this name; the stream ends'],
  ];
  return Object.fromEntries(
    events.flatMap(([what, event, summary]) =>
      event === null ? [] : [[`${name}.${what}`, message(event.type, summary, dataSchemaOf(event.data))] as const],
    ),
  );
}
