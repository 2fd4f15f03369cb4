import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { ServedRoute } from '../http/handle-documents.js';
import { queryParametersOf } from './parameters.js';
import { credentialRefusals, everyRequest, hookRefusals, openRefusals, streamRefusals } from './refusals.js';
import { answered, problemResponses } from './responses.js';
import { schemaRef } from './schemas.js';
import { namedAccess, readAccess, securityOf } from './security.js';
import type { Json, JsonObject, Surface } from './surface.js';

/** What is said of one address: of its methods, in lower case. */
export type PathItem = Readonly<Record<string, JsonObject>>;

const header = (name: string, description: string, schema: JsonObject = { type: 'string' }): JsonObject => ({
  name,
  in: 'header',
  description,
  schema,
});

/** Headers that a stream or poll looks at, besides `Accept` and `Authorization`, which the format has words of its own for. */
const requestHeaders: readonly JsonObject[] = [
  header('Last-Event-ID', 'The position that the client has, as it was given.', schemaRef('Position')),
  header('If-None-Match', 'Of a poll: the position, as an entity tag.'),
  header('Prefer', 'Of a poll: `wait=n`, the same as the parameter (RFC 7240).'),
  header('X-Request-Id', "Names the request in answers and in the node's lines.", {
    type: 'string',
    pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$',
  }),
];

const streamExample =
  'retry: 1868\n:\nevent: selvage.position\ndata: {}\nid: 1ne7i.9olqb-4-0-1\n\nevent: progress\ndata: {"done":60}\nid: 1ne7i.9olqb-4-0-2\n\n';

const eventStream: JsonObject = {
  schema: { type: 'string', description: 'Server-Sent Events; `asyncapi.json` says which.' },
  examples: { stream: { summary: 'A position first, then events', value: streamExample } },
};

export const pathParametersOf = (path: string): readonly JsonObject[] =>
  [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: 'Percent-encoded, as in any address.',
    schema: { type: 'string', minLength: 1 },
  }));

const limits = ['RateLimit', 'RateLimit-Policy'] as const;

function responsesOf(method: string, refusals: JsonObject): JsonObject {
  const description =
    'A stream, or the answer to a poll. What should be tried again later is told to streams as 200 with `selvage.close` alone, and to others by its status.';
  const content = { 'text/event-stream': eventStream, 'application/json': { schema: schemaRef('PollAnswer') } };
  return {
    '200': answered(
      method === 'HEAD' ? 'What GET would answer: the head alone.' : description,
      method === 'HEAD' ? null : content,
      'ETag',
      'Preference-Applied',
      ...limits,
    ),
    '204': answered('The stream is over, and its end was had: do not come back.', null),
    ...(method === 'HEAD' ? {} : { '304': answered('Of a poll: nothing came.', null, 'ETag', 'Preference-Applied') }),
    ...refusals,
  };
}

/** `/v1/events` (`stream` null), or a named stream. */
export function describeStream({ path, methods }: ServedRoute, stream: NamedStream | null, ordinal: number, surface: Surface): PathItem {
  const access = stream === null ? readAccess(surface) : namedAccess(stream, surface);
  const further = stream === null ? openRefusals : stream.permission === 'hook' ? hookRefusals : [];
  const refusals = problemResponses([...new Set([...everyRequest, ...credentialRefusals(access), ...streamRefusals, ...further])]);
  const query = queryParametersOf(stream, surface).map(({ name, description, schema }) => ({ name, in: 'query', description, schema }));
  const name = stream === null ? 'Channels' : `${stream.name}${ordinal === 0 ? '' : `-${ordinal + 1}`}`;
  return Object.fromEntries(
    methods.map((method) => [
      method.toLowerCase(),
      {
        operationId: `${method === 'HEAD' ? 'probe' : 'follow'}${stream === null ? '' : '-'}${name}`,
        tags: [stream === null ? 'Reading' : 'Named streams'],
        summary: stream === null ? 'Follow channels, or poll them' : `The stream ${stream.name}`,
        ...(stream === null ? {} : { description: sentenceOf(stream) }),
        parameters: [...pathParametersOf(path), ...query, ...requestHeaders] as Json,
        security: securityOf(access),
        responses: responsesOf(method, refusals),
      },
    ]),
  );
}

/** What the configuration says of a named stream, for people. */
export function sentenceOf(stream: NamedStream): string {
  const { channels, greeting, heartbeat, timeout, until, types, rewind, hasState, permission } = stream;
  const told = (list: readonly string[]): string => list.map((name) => `\`${name}\``).join(', ');
  return [
    `Follows ${told(channels.map(({ text }) => text))}.`,
    permission === 'hook' ? 'Whether the caller may is asked of the application.' : '',
    greeting === null ? '' : `Begins with \`${greeting.type}\`.`,
    hasState ? 'The latest event comes first.' : '',
    rewind === null
      ? ''
      : rewind.kind === 'count'
        ? `The newest ${rewind.count} events come first.`
        : `Begins at the newest ${told(rewind.types)}.`,
    types === null ? '' : `Sends ${told(types)} alone.`,
    heartbeat === null ? '' : `\`${heartbeat.type}\` comes every ${heartbeat.everyMs / 1_000} s.`,
    until === null ? '' : `Ends with ${told(until)}.`,
    timeout === null ? '' : `\`${timeout.type}\` ends it when nothing came for ${timeout.afterMs / 1_000} s.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}
