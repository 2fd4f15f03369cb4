import { channelBytesMax } from '../protocol/names.js';
import { positionBytesMax } from '../protocol/position.js';
import {
  commonParameters,
  openParameters,
  streamFormats,
  streamParameters,
  type StreamParameterName,
} from '../subscribe/stream-parameters.js';
import type { NamedStream } from '../admission/named-streams/named-stream.js';
import { attributeNamesOf, type JsonObject, type Surface } from './surface.js';

/** One query parameter, in the words of JSON schema; arrays are repeated parameters. */
export interface QueryParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: JsonObject;
}

const isStreamParameter = (name: string): name is StreamParameterName => Object.hasOwn(streamParameters, name);

const list = (items: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'array', items, ...more });
const count = (maximum: number): JsonObject => ({ type: 'integer', minimum: 0, maximum, default: 0 });
const position: JsonObject = { type: 'string', maxLength: positionBytesMax };

function schemaOf(name: StreamParameterName, { limits }: Surface): JsonObject {
  switch (name) {
    case 'channel':
      return list({ type: 'string', minLength: 1, maxLength: channelBytesMax }, { maxItems: limits.channelsMax });
    case 'channels':
      return list({ type: 'string', minLength: 1 });
    case 'type':
    case 'until':
      return list({ type: 'string', minLength: 1 }, { maxItems: limits.filterValuesMax });
    case 'since':
      return { type: 'string', examples: ['2026-11-21T11:35:58Z', '5m', '1795260958260'] };
    case 'rewind':
      return count(limits.rewindMax);
    case 'wait':
      return count(Math.floor(limits.pollWaitMsMax / 1_000));
    case 'format':
      return { type: 'string', enum: [...streamFormats] };
    case 'lastEventId':
    case 'last_event_id':
    case 'lastEventID':
      return position;
  }
}

function describeParameter(name: string, surface: Surface): QueryParameter {
  if (isStreamParameter(name)) return { name, description: streamParameters[name].sentence, schema: schemaOf(name, surface) };
  const values = list({ type: 'string' }, { maxItems: surface.limits.filterValuesMax });
  if (attributeNamesOf(surface).includes(name)) {
    return { name, description: `Accepted values of the attribute ${name}; events without it are filtered out.`, schema: values };
  }
  return { name, description: 'Taken, and without a meaning here.', schema: values };
}

/** What a stream's address takes in its query, credentials apart. `stream` null: `/v1/events`. */
export function queryParametersOf(stream: NamedStream | null, surface: Surface): readonly QueryParameter[] {
  const further = stream === null ? [...openParameters, ...attributeNamesOf(surface)] : stream.allowQuery;
  return [...new Set([...further, ...commonParameters])].map((name) => describeParameter(name, surface));
}
