import { makePublish } from './make-publish.js';
import { Choices } from './random.js';
import { stand } from './stand-ins.js';

export interface FuzzCase {
  /** What is sent, in this order, each in a segment of its own. */
  readonly segments: readonly Buffer[];
  /** Nothing was mutated and the framing is right: each request gets an answer. */
  readonly isWellFormed: boolean;
}

const oddities = [
  '',
  '0',
  '-1',
  '1e9',
  'a',
  'honest',
  '*',
  '**',
  '%00',
  '%0a',
  '%',
  '%zz',
  '%ff',
  '%e2%82%ac',
  '+',
  '..',
  '../..',
  '\u0000',
  '\r\n',
  '\n',
  'ÿþ',
  '😀',
  "'",
  '"',
  '{}',
  '[]',
  'null',
  'true',
  '__proto__',
  'constructor',
  'NaN',
  '9007199254740993',
  '99999999999999999999',
  'x'.repeat(300),
  'x'.repeat(9_000),
  '1aaaa.bbbbb-4-0-1',
  '1aaaa.bbbbb-4~0-0-0-0~e',
  '~e',
  '2026-11-21T00:00:00Z',
  '5m',
  '-5m',
  ';',
  ',',
  ',,',
  '&',
  '=',
];
const methods = ['GET', 'GET', 'GET', 'POST', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'PATCH', 'get', 'X'];
const paths = [
  '/v1/events',
  '/v1/events',
  '/v1/events',
  '/v1/publish',
  '/v1/publish',
  '/',
  '/openapi.json',
  '/asyncapi.json',
  '/v1/tickets',
  '/v1/tickets',
  '/v1/session',
  '/v1/streams/abc/token',
  `/v1/streams/${stand.stream}/token`,
  `/v1/streams/${stand.stream}/token`,
  '/v1/disconnect',
  '/metrics',
  '/healthz/ready',
  '/v1/events/',
  '/v2',
];
/** The shapes of deploy/streams.yaml; `*` is one value. */
const namedPaths = [
  '/api/v1/sse/stream/*',
  '/api/v1/sse/broadcast',
  '/api/v1/sse/projects/*/stages/*/',
  '/api/v1/sse/projects/*/',
  '/api/v1/sse/projects/*/stages/*/stream/',
  '/api/v1/sse/projects/*/stream/',
  '/api/v1/sse/tasks/*/progress',
  '/api/v1/training/*/stream',
  '/api/v1/conversations/*/stream',
  '/api/v1/*/*',
];
const parameters = [
  'channel',
  'channel',
  'channels',
  'type',
  'until',
  'since',
  'rewind',
  'format',
  'wait',
  'lastEventId',
  'last_event_id',
  'access_token',
  'ticket',
  'session',
  'x',
];
const headerNames = [
  'Accept',
  'Accept-Encoding',
  'Authorization',
  'Cookie',
  'Origin',
  'Last-Event-ID',
  'If-None-Match',
  'Prefer',
  'X-Request-Id',
  'X-Forwarded-For',
  'Forwarded',
  'Connection',
  'Expect',
  'Range',
  'Upgrade',
  'TE',
  'Idempotency-Key',
  'ce-id',
  'ce-type',
  'ce-source',
  'ce-specversion',
  'traceparent',
  'Access-Control-Request-Method',
  'Access-Control-Request-Headers',
  'Access-Control-Request-Private-Network',
  'User-Agent',
];
const headerValues = [
  'text/event-stream',
  'application/json',
  '*/*',
  'text/html;q=0',
  'gzip, br',
  'gzip;q=0',
  'Bearer a.b.c',
  `Bearer ${stand.token}`,
  `Bearer ${stand.otherToken}`,
  `Bearer ${stand.lateToken}`,
  'Bearer ',
  'Basic eDp4',
  '"1aaaa.bbbbb-4-0-1"',
  'W/"x"',
  'wait=1',
  'wait=',
  'respond-async, wait=0',
  'https://app.example.com',
  'null',
  'keep-alive',
  'close',
  '100-continue',
  'bytes=0-,1-',
  'h2c',
  'websocket',
  '1.0',
  '10.0.0.1, 10.0.0.2',
  'for=unknown;by=_x',
  'a=b; a=c',
  '__Host-selvage=x.y.z',
  `__Host-selvage=${stand.token}`,
  `"${stand.position}"`,
  stand.position,
];
const mediaTypes = [
  'application/json',
  'application/json; charset=utf-8',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
  'text/plain',
  'APPLICATION/JSON',
  'multipart/form-data',
  '',
];

/** The case of this number under this seed. */
export function makeCase(seed: number, caseNumber: number): FuzzCase {
  const choices = new Choices(seed, caseNumber);
  const isMutated = choices.chance(0.5);
  const requests = Array.from({ length: choices.chance(0.2) ? 1 + choices.below(4) : 1 }, () => makeRequest(choices, isMutated));
  let bytes: Buffer = Buffer.concat(requests);
  for (let left = isMutated ? 1 + choices.below(6) : 0; left > 0; left--) bytes = mutate(choices, bytes);
  return { segments: cut(choices, bytes, isMutated), isWellFormed: !isMutated && requests.length === 1 };
}

function makeRequest(choices: Choices, mayBreakFraming: boolean): Buffer {
  const path = makePath(choices);
  const isPost = postPath.test(path);
  const method = choices.chance(0.5) ? (isPost ? 'POST' : 'GET') : choices.of(methods);
  const { body, lines: own } = method === 'POST' || choices.chance(0.1) ? bodyFor(choices, path) : { body: null, lines: [] };
  const lines = [`${method} ${path}${makeQuery(choices, isPost)} HTTP/1.1`, 'Host: fuzz'];
  if (choices.chance(0.6))
    lines.push(
      `Authorization: Bearer ${choices.of([stand.token, stand.token, stand.token, stand.token, stand.otherToken, stand.lateToken])}`,
    );
  for (const line of choices.some(choices.chance(0.5) ? 1 : 5, () => `${choices.of(headerNames)}: ${headerValue(choices)}`))
    lines.push(line);
  if (body === null) return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  lines.push(...own);
  const isChunked = choices.chance(0.3);
  if (isChunked) lines.push('Transfer-Encoding: chunked');
  if (!isChunked || (mayBreakFraming && choices.chance(0.1)))
    lines.push(`Content-Length: ${body.length + (mayBreakFraming ? choices.below(3) - 1 : 0)}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (!isChunked) return Buffer.concat([head, body]);
  const size = Buffer.from(`${body.length.toString(16)}\r\n`);
  return Buffer.concat(body.length === 0 ? [head, Buffer.from('0\r\n\r\n')] : [head, size, body, Buffer.from('\r\n0\r\n\r\n')]);
}

const postPath = /publish|tickets|token|session|disconnect/;

function makePath(choices: Choices): string {
  if (choices.chance(0.6)) return choices.of(paths);
  const named = choices.of(namedPaths).replaceAll('*', () => queryValue(choices).replaceAll(/[?#]/g, '').slice(0, 400));
  return choices.chance(0.8) ? named : named.replace(/\/?$/, choices.of(['', '/', '//', '/.', '?', '/stream']));
}

function makeQuery(choices: Choices, isPost: boolean): string {
  if (choices.chance(isPost ? 0.8 : 0.2)) return '';
  const pairs = choices.some(choices.chance(0.5) ? 1 : 5, () => makePair(choices));
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function makePair(choices: Choices): string {
  if (choices.chance(0.3)) return `channel=${choices.of(['a', 'task.1', 'open.a'])}`;
  if (choices.chance(0.1)) return `ticket=${stand.ticket}&channel=honest-ticket`;
  if (choices.chance(0.1)) return `${choices.of(['lastEventId', 'last_event_id', 'lastEventID'])}=${stand.position}`;
  return `${choices.of(parameters)}=${queryValue(choices)}`;
}

/** A body that the address takes, or one that nothing does. */
function bodyFor(choices: Choices, path: string): { readonly body: Buffer; readonly lines: readonly string[] } {
  if (choices.chance(0.3)) return { body: makeBody(choices), lines: [`Content-Type: ${choices.of(mediaTypes)}`] };
  if (path.endsWith('/publish')) return makePublish(choices, oddities);
  const json = ['Content-Type: application/json'];
  if (!path.endsWith('/tickets')) return { body: Buffer.alloc(0), lines: choices.chance(0.5) ? json : [] };
  const channel = (): string => (choices.chance(0.7) ? choices.of(['a', 'honest-ticket', 'task.1']) : choices.of(oddities));
  const asked = choices.chance(0.6)
    ? { channels: choices.some(choices.chance(0.1) ? 70 : 3, channel) }
    : { stream: choices.chance(0.7) ? choices.of(namedPaths).replaceAll('*', 'x') : choices.of(oddities) };
  const origin = choices.chance(0.2) ? { origin: choices.of(['https://app.example.com', 'null', ...oddities]) } : {};
  return { body: Buffer.from(JSON.stringify({ ...asked, ...origin })), lines: json };
}

/** No longer than heads may be, and nothing that ends a line: mutation does that. */
function queryValue(choices: Choices): string {
  const value = choices.chance(0.4)
    ? choices.of(['a', 'b.c', 'honest', 'json', 'plain', 'envelope', '0', '1', '30s'])
    : choices.of(oddities).slice(0, 1_500);
  return choices.chance(0.7) ? encodeURIComponent(value) : value.replace(/[^!-~]/g, '');
}

function headerValue(choices: Choices): string {
  const value = choices.chance(0.7) ? choices.of(headerValues) : choices.of(oddities).slice(0, 1_500);
  return value.replace(/[^ -~]/g, '').trim();
}

function makeBody(choices: Choices): Buffer {
  const event = (): Record<string, unknown> => {
    const made: Record<string, unknown> = {
      channel: choices.of(['a', 'b', ...oddities]),
      data: choices.of<unknown>([1, null, {}, 'x', [[[]]], choices.of(oddities)]),
    };
    if (choices.chance(0.5)) made['type'] = choices.of(['t', ...oddities]);
    if (choices.chance(0.1)) made[choices.of(oddities)] = choices.of(oddities);
    if (choices.chance(0.1)) Object.assign(made, { specversion: '1.0', id: '1', source: '/f', user: 'u', key: 'k', attributes: { a: 1 } });
    return made;
  };
  const kind = choices.below(10);
  if (kind < 5) return Buffer.from(JSON.stringify(event()));
  if (kind < 7) return Buffer.from(JSON.stringify({ events: choices.some(120, event) }));
  if (kind < 8) return Buffer.from(JSON.stringify(choices.some(5, event)));
  if (kind < 9) return Buffer.from(choices.of(oddities));
  return Buffer.from(Array.from({ length: choices.below(2_000) }, () => choices.below(256)));
}

function mutate(choices: Choices, bytes: Buffer): Buffer {
  const at = choices.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + choices.below(40));
  const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (choices.below(6)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, middle, middle, after]);
    case 2:
      return Buffer.concat([
        before,
        Buffer.from(
          choices.of([...oddities, '\r\n\r\n', ':', ' ', '\0', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'HTTP/1.0']),
          'utf8',
        ),
        after,
      ]);
    case 3: {
      const flipped = Buffer.from(bytes);
      for (let left = 1 + choices.below(4); left > 0 && flipped.length > 0; left--)
        flipped[choices.below(flipped.length)] = choices.below(256);
      return flipped;
    }
    case 4:
      return Buffer.concat([before, Buffer.alloc(choices.below(20_000), choices.of(['a', '\0', '\r\n', ';', '0'])), middle, after]);
    default:
      return before;
  }
}

/** The request line stays in one piece where an answer is due: the pinned addon takes half of one for another version of HTTP (uWebSockets issue 1776). */
function cut(choices: Choices, bytes: Buffer, mayBreakLine: boolean): Buffer[] {
  if (choices.chance(0.6)) return [bytes];
  const first = mayBreakLine ? 0 : Math.max(0, bytes.indexOf('\r\n') + 2);
  const points = choices.some(4, () => first + choices.below(bytes.length - first + 1)).sort((a, b) => a - b);
  return [...points, bytes.length].map((point, i) => bytes.subarray(points[i - 1] ?? 0, point)).filter(({ length }) => length > 0);
}
