import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { ServedRoute } from '../http/handle-documents.js';
import { canProduce } from '../routing/channel-pattern.js';
import { sentenceOf } from './describe-streams.js';
import { controlMessages, routeMessages, routeName, streamMessages } from './messages.js';
import { queryParametersOf, type QueryParameter } from './parameters.js';
import type { Part } from './part.js';
import { namedAccess, publishAccess, readAccess, type Access } from './security.js';
import type { JsonObject, Surface } from './surface.js';
import { addressOfRoute, addressOfStream } from './template-address.js';

const controls = Object.keys(controlMessages);

/** What readers get: of `/v1/events`, of each channel that a route makes, and of each named stream's addresses. */
export function describeFollowing(served: readonly ServedRoute[], surface: Surface): readonly Part[] {
  const { routes, streams } = surface;
  const isServed = (path: string): boolean => served.some((route) => route.path === path);
  const query = queryParametersOf(null, surface);
  const access = readAccess(surface);
  const everything = routes.flatMap((route, i) => Object.keys(routeMessages(route, routeName(i))));
  const open = followed({
    id: 'events',
    address: '/v1/events',
    title: 'Any channels',
    parameters: {},
    messages: [...controls, ...everything],
    query,
    access,
  });
  const ofRoutes = routes.flatMap((route, i) =>
    route.channels.map((template, k) => {
      const { address, parameters } = addressOfRoute(template);
      const messages = [...controls, ...Object.keys(routeMessages(route, routeName(i)))];
      const title = `The channel ${template.text}`;
      const description = `Followed with \`GET /v1/events?channel=\` and this address; values are percent-encoded outside \`A-Z a-z 0-9 _ ~ -\`, unless they are raw.`;
      return followed({ id: `channel.${i + 1}.${k + 1}`, address, title, description, parameters, messages, query, access });
    }),
  );
  const named = streams.flatMap((stream) =>
    stream.shapes.flatMap(({ text }, i) => (isServed(text) ? [describeNamed(stream, i, surface)] : [])),
  );
  return [...(isServed('/v1/events') ? [open, ...ofRoutes] : []), ...named];
}

function describeNamed(stream: NamedStream, ordinal: number, surface: Surface): Part {
  const shape = stream.shapes[ordinal];
  const parameters = Object.fromEntries((shape?.parameters ?? []).map((name) => [name, { description: 'A segment of the address.' }]));
  return followed({
    id: `stream.${stream.name}${ordinal === 0 ? '' : `.${ordinal + 1}`}`,
    address: shape?.text ?? '',
    title: `The stream ${stream.name}`,
    description: sentenceOf(stream),
    parameters,
    messages: [...controls, ...Object.keys(streamMessages(stream)), ...eventsOf(stream, surface)],
    query: queryParametersOf(stream, surface),
    access: namedAccess(stream, surface),
  });
}

/** Events of the routes that can make one of the stream's channels. */
function eventsOf({ channels }: NamedStream, { routes }: Surface): readonly string[] {
  const samples = channels.map((template) => addressOfStream(template).sample);
  return routes.flatMap((route, i) => {
    const isSource = route.channels.some((template) => samples.some((sample) => canProduce(template, sample)));
    return isSource ? Object.keys(routeMessages(route, routeName(i))) : [];
  });
}

interface Followed {
  readonly id: string;
  readonly address: string;
  readonly title: string;
  readonly description?: string;
  readonly parameters: JsonObject;
  readonly messages: readonly string[];
  readonly query: readonly QueryParameter[];
  readonly access: Access;
}

function followed({ id, address, title, description, parameters, messages, query, access }: Followed): Part {
  const properties = Object.fromEntries(
    query.map((parameter) => [parameter.name, { ...parameter.schema, description: parameter.description }]),
  );
  return {
    channels: {
      [id]: {
        address,
        title,
        ...(description === undefined ? {} : { description }),
        servers: [{ $ref: '#/servers/fabric' }],
        ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
        messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
      },
    },
    operations: {
      [`follow.${id}`]: {
        action: 'send',
        channel: { $ref: `#/channels/${id}` },
        summary: 'Server-Sent Events',
        messages: messages.map((name) => ({ $ref: `#/channels/${id}/messages/${name}` })),
        security: securityOf(access),
        bindings: { http: { method: 'GET', query: { type: 'object', properties }, bindingVersion: '0.3.0' } },
      },
    },
  };
}

/** `POST /v1/publish`. */
export function describePublishing(surface: Surface): Part {
  const names = ['PublishEvent', 'PublishBatch', 'CloudEvent'];
  return {
    channels: {
      publish: {
        address: '/v1/publish',
        title: 'Events into the log',
        servers: [{ $ref: '#/servers/fabric' }],
        messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
      },
    },
    operations: {
      publish: {
        action: 'receive',
        channel: { $ref: '#/channels/publish' },
        summary: 'Publish one event or a batch',
        messages: names.map((name) => ({ $ref: `#/channels/publish/messages/${name}` })),
        security: securityOf(publishAccess(surface)),
        bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
      },
    },
  };
}

/** AsyncAPI has no word for nobody: `description` of the stream says it. */
const securityOf = ({ schemes }: Access): readonly JsonObject[] =>
  schemes.map((name) => ({ $ref: `#/components/securitySchemes/${name}` }));
