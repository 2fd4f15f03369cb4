/** What must come of an attack on one connection. */
export interface Expectation {
  /** Statuses of the answers, in order; nothing else may be answered. `cut`: the connection ends without an answer or after these. */
  readonly statuses: readonly number[];
  readonly isCut: boolean;
}

export interface Attack {
  /** What the attacker wants, in one sentence. */
  readonly sentence: string;
  readonly bytes: string;
  readonly expected: Expectation;
}

const host = 'Host: x\r\n';
const get = (target: string, headers = host): string => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body: string): string => `POST /v1/publish HTTP/1.1\r\n${host}${headers}\r\n${body}`;
const answered = (...statuses: number[]): Expectation => ({ statuses, isCut: false });
const cut = (...statuses: number[]): Expectation => ({ statuses, isCut: true });
/** A request that must never be answered: it travels inside another. */
const smuggled = get('/smuggled');
const event = '{"channel":"a","data":1}';
const json = 'Content-Type: application/json\r\n';

/** Each is sent on a connection of its own. Nothing of them is an answer to `/smuggled` (404 where it is dispatched). */
export const attacks: readonly Attack[] = [
  {
    sentence: 'A length beside a transfer coding lets a proxy and the node end the body at different places.',
    bytes: post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`),
    expected: cut(400),
  },
  {
    sentence: 'Two lengths: the proxy believes one, the node the other, and what lies between becomes a request.',
    bytes: post('Content-Length: 0\r\nContent-Length: 40\r\n', smuggled),
    expected: cut(),
  },
  {
    sentence: 'The same length twice is tolerated by some proxies; it is refused like two of them.',
    bytes: post('Content-Length: 4\r\nContent-Length: 4\r\n', `abcd${smuggled}`),
    expected: cut(),
  },
  {
    sentence: 'A list of lengths in one header is read as its first or as its last number.',
    bytes: post('Content-Length: 4, 4\r\n', `abcd${smuggled}`),
    expected: cut(400),
  },
  ...['-1', '+4', '0x4', '4 4', '99999999999999999999', '4a'].map((length) => ({
    sentence: `A length of "${length}" is a number to some parsers.`,
    bytes: post(`Content-Length: ${length}\r\n`, `abcd${smuggled}`),
    expected: cut(400),
  })),
  ...['xchunked', 'gzip, chunked', 'chunked, identity', 'identity', '"chunked"'].map((coding) => ({
    sentence: `A transfer coding of ${coding} is chunked to one parser and unknown to another.`,
    bytes: post(`Transfer-Encoding: ${coding}\r\n`, `0\r\n\r\n${smuggled}`),
    expected: cut(),
  })),
  {
    sentence: 'A transfer coding given twice is joined by one parser and overwritten in another.',
    bytes: post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`),
    expected: cut(),
  },
  {
    sentence: 'A space before the colon hides a length from a strict parser.',
    bytes: post('Content-Length : 40\r\n', smuggled),
    expected: cut(),
  },
  {
    sentence: 'A folded header line hides a transfer coding in the value before it.',
    bytes: post('X: a\r\n Transfer-Encoding: chunked\r\n', smuggled),
    expected: cut(),
  },
  { sentence: 'Bare line feeds end lines for lenient parsers alone.', bytes: 'GET / HTTP/1.1\nHost: x\n\n', expected: cut(505) },
  { sentence: 'A carriage return inside a value ends a line for some.', bytes: get('/', `${host}X: a\rY: b\r\n`), expected: cut() },
  {
    sentence: 'A chunk whose size is no number desynchronises the body.',
    bytes: post(`${json}Transfer-Encoding: chunked\r\n`, `zz\r\n${event}\r\n0\r\n\r\n${smuggled}`),
    expected: cut(400),
  },
  {
    sentence: 'A chunk larger than any number wraps around to a small one.',
    bytes: post(`${json}Transfer-Encoding: chunked\r\n`, `ffffffffffffffffff\r\n${event}\r\n0\r\n\r\n`),
    expected: cut(400),
  },
  {
    sentence: 'A chunk extension without end makes the parser buffer it.',
    bytes: post(`${json}Transfer-Encoding: chunked\r\n`, `1;${'x'.repeat(200_000)}\r\n{\r\n0\r\n\r\n`),
    expected: cut(400),
  },
  {
    sentence: 'Trailers bring headers in behind every check; they are not read, and end the connection.',
    bytes: post(`${json}Transfer-Encoding: chunked\r\n`, `2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n${smuggled}`),
    expected: cut(505),
  },
  {
    sentence: 'A body behind a GET is another request to a parser that does not expect it.',
    bytes: get('/', `${host}Content-Length: ${smuggled.length}\r\n`) + smuggled + get('/'),
    expected: answered(200, 200),
  },
  { sentence: 'Without a Host the request belongs to whichever site a proxy thinks of.', bytes: get('/', ''), expected: cut() },
  {
    sentence: 'Two Hosts: the proxy checks one, the node serves the other.',
    bytes: get('/', 'Host: a\r\nHost: b\r\n') + smuggled,
    expected: cut(),
  },
  {
    sentence: 'An absolute target names another host than the header, and makes a forward proxy of the node.',
    bytes: get('http://evil.example/'),
    expected: cut(505),
  },
  {
    sentence: 'CONNECT opens a tunnel through the node.',
    bytes: 'CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
    expected: cut(505),
  },
  {
    sentence: 'TRACE sends cookies back to a script that cannot read them.',
    bytes: `TRACE / HTTP/1.1\r\n${host}Cookie: a=b\r\n\r\n`,
    expected: answered(405),
  },
  ...['PUT', 'DELETE', 'PATCH', 'get', 'GETT', '__proto__', 'constructor', ''].map((method) => ({
    sentence: `The method "${method}" reaches a handler that was made for another.`,
    bytes: `${method} /v1/events HTTP/1.1\r\n${host}\r\n`,
    expected: answered(405),
  })),
  { sentence: 'HTTP/1.0 has neither chunks nor hosts.', bytes: 'GET / HTTP/1.0\r\nHost: x\r\n\r\n', expected: cut(505) },
  { sentence: 'HTTP/0.9 has no head at all.', bytes: 'GET /\r\n\r\n', expected: cut(505) },
  { sentence: 'A version that is not there yet.', bytes: 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', expected: cut(505) },
  { sentence: 'The preface of HTTP/2 without having been asked for it.', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', expected: cut(505) },
  { sentence: 'A TLS handshake on a plain port.', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', expected: cut(505) },
  {
    sentence: 'An upgrade to h2c tunnels past the rules of a proxy.',
    bytes: get('/', `${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n`),
    expected: answered(200),
  },
  {
    sentence: 'An upgrade to WebSocket on a node that has none.',
    bytes: get('/', `${host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n`),
    expected: answered(200),
  },
  { sentence: 'NUL ends the path for code written in C.', bytes: get('/v1/events\0/../admin'), expected: cut(505) },
  { sentence: 'Bytes that are no UTF-8 in the path.', bytes: get('/\xff\xfe'), expected: answered(404) },
  ...[
    '/../etc/passwd',
    '/v1/../v1/events',
    '//v1/events',
    '/v1//events',
    '/v1/events/',
    '/v1/events/.',
    '/v1/%65vents',
    '/v1/events%00',
    '/V1/EVENTS',
    '/v1/events;a=b',
    '/v1/events#x',
    '/v1\\events',
  ].map((target) => ({
    sentence: `The path ${target} is another way to spell an address, past a rule of a proxy.`,
    bytes: get(target),
    expected: answered(404),
  })),
  { sentence: 'A target without its slash.', bytes: get('v1/events'), expected: cut(505) },
  { sentence: 'OPTIONS * asks for all there is.', bytes: `OPTIONS * HTTP/1.1\r\n${host}\r\n`, expected: cut(505) },
  {
    sentence: 'Ten thousand ranges make ten thousand copies of an answer; none is served.',
    bytes: get('/', `${host}Range: bytes=${'0-,'.repeat(3_000)}0-\r\n`),
    expected: answered(200),
  },
  {
    sentence: 'A query of four thousand parameters costs a look-up each.',
    bytes: get(`/v1/events?${'a&'.repeat(4_000)}`),
    expected: answered(400),
  },
  {
    sentence: 'A query of one channel named a thousand times.',
    bytes: get(`/v1/events?${'channel=a&'.repeat(800)}type=x&format=json`),
    expected: answered(200),
  },
  { sentence: 'Parameters named after what objects inherit.', bytes: get('/v1/events?channel=a&__proto__=x'), expected: answered(400) },
  {
    sentence: 'More headers than anybody has.',
    bytes: get('/', host + Array.from({ length: 90 }, (_, i) => `X-${i}: 1\r\n`).join('')),
    expected: answered(200),
  },
  {
    sentence: 'More headers than the parser holds.',
    bytes: get('/', host + Array.from({ length: 500 }, (_, i) => `X-${i}: 1\r\n`).join('')),
    expected: cut(),
  },
  { sentence: 'One header larger than all may be.', bytes: get('/', `${host}X: ${'a'.repeat(30_000)}\r\n`), expected: cut(431) },
  { sentence: 'An address larger than all may be.', bytes: get(`/${'a'.repeat(12_000)}`), expected: cut(414) },
  { sentence: 'A header without a name.', bytes: get('/', `${host}: x\r\n`), expected: answered(200) },
  { sentence: 'A header without a colon.', bytes: get('/', `${host}foo\r\n`), expected: cut() },
  {
    sentence: 'Answers to a hundred pipelined requests are collected by nobody.',
    bytes: get('/nothing').repeat(100),
    expected: answered(...Array.from({ length: 100 }, () => 404)),
  },
  {
    sentence: 'A request pipelined behind a stream is never answered in the middle of it.',
    bytes: get('/v1/events?channel=a') + smuggled,
    expected: cut(),
  },
  {
    sentence: 'A request pipelined behind a poll that waits jumps the queue.',
    bytes: get('/v1/events?channel=a&format=json&wait=20') + smuggled,
    expected: cut(),
  },
  {
    sentence: 'Expect: 100-continue on a body that is too large wins the right to send it.',
    bytes: post(`${json}Expect: 100-continue\r\nContent-Length: 999999999\r\n`, ''),
    expected: cut(100, 413),
  },
  {
    sentence: 'A PROXY header from anybody makes up an address.',
    bytes: `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x09\x09\x09\x09\x01\x01\x01\x01\0\x50\0\x50${get('/')}`,
    expected: answered(200),
  },
  {
    sentence: 'A PROXY header that announces more than it has makes the parser read on.',
    bytes: `\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff${get('/')}`,
    expected: cut(),
  },
  { sentence: 'A deeply nested body exhausts the stack of a recursive parser.', bytes: body('['.repeat(200_000)), expected: answered(422) },
  {
    sentence: 'A body that sets what objects inherit.',
    bytes: body('{"channel":"a","data":1,"__proto__":{"x":1}}'),
    expected: answered(422),
  },
  { sentence: 'A body of a number with a million digits.', bytes: body('9'.repeat(900_000)), expected: answered(422) },
  { sentence: 'A body of bytes that are no UTF-8.', bytes: body('\xff\xfe\xfd'), expected: answered(400) },
];

function body(text: string): string {
  return post(`${json}Content-Length: ${text.length}\r\n`, text);
}
