import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { EdgeStream, eventsUrl, metricOf, poll, publish, tryPublish } from './edge-client.js';
import type { Problem } from './edge-client.js';
import { secretPartOf, startTwo, tokenOf } from './edge-nodes.js';

const appOrigin = 'https://app.example.com';
let a: SelvageNode;
let b: SelvageNode;
/** Every token and ticket of this file: none may be in a log. */
const secrets: string[] = [];
const token: typeof tokenOf = async (...given) => {
  const made = await tokenOf(...given);
  secrets.push(made);
  return made;
};

beforeAll(async () => {
  [a, b] = await startTwo({
    env: {
      SELVAGE_AUTH_ANONYMOUS_READ: 'open.**',
      SELVAGE_AUTH_COOKIES: 'true',
      SELVAGE_AUTH_QUERY_TOKEN: 'true',
      SELVAGE_TICKET_SECRET: 'tickets have a secret of their own, long enough',
      SELVAGE_CORS_ORIGINS: appOrigin,
      SELVAGE_LOG_SAMPLE_RATE: '1',
    },
  });
});
afterAll(() => Promise.all([a, b].map((node) => node.close())));

const titleOf = ({ status, body }: EdgeStream): unknown => [status, (JSON.parse(body) as Problem).code];

/** What an address is answered with these headers; a stream that opens is closed. */
async function answerOf(url: string, headers: Record<string, string> = {}): Promise<EdgeStream> {
  const stream = await EdgeStream.open(url, { headers });
  if (stream.headers['content-type']?.startsWith('text/event-stream') === true) stream.close();
  else await stream.until(() => stream.isEnded, 'the end of the answer');
  return stream;
}

async function ticketFor(node: SelvageNode, bearer: string, channels: readonly string[], headers = {}): Promise<string> {
  const response = await fetch(`${node.url}/v1/tickets`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${bearer}`, ...headers },
    body: JSON.stringify({ channels }),
  });
  const { ticket } = (await response.json()) as { ticket: string };
  secrets.push(ticket);
  return ticket;
}

describe.concurrent('who asks', () => {
  test('bearer, cookie, ticket and query open the same stream, and each is known by its way', async () => {
    const subject = uniqueName('alice');
    const channel = uniqueName('note');
    const bearer = await token(subject);
    const ticket = await ticketFor(b, bearer, [channel]);
    const url = eventsUrl(a, [channel]);
    const streams = await Promise.all([
      EdgeStream.open(url, { token: bearer }),
      EdgeStream.open(url, { headers: { Cookie: `theme=dark; __Host-selvage=${bearer}`, Origin: appOrigin } }),
      EdgeStream.open(`${url}&ticket=${ticket}`),
      EdgeStream.open(`${url}&access_token=${bearer}`),
    ]);
    for (const stream of streams) await stream.until(() => stream.frames.length > 0, 'the first frame');
    await publish(b, bearer, channel, { n: 1 });
    for (const stream of streams) await stream.until(() => stream.datas.length === 1, 'the event');
    const listed = (await (await fetch(`${a.adminUrl}/v1/streams?subject=${subject}`)).json()) as { streams: { via: string }[] };
    expect(listed.streams.map(({ via }) => via).sort()).toEqual(['bearer', 'cookie', 'query', 'ticket']);
    for (const stream of streams) stream.close();
  });

  test('a cookie is no good to a page of another site, nor to one that publishes without saying where it is', async () => {
    const bearer = await token(uniqueName('alice'));
    const channel = uniqueName('note');
    const cookie = { Cookie: `__Host-selvage=${bearer}` };
    const foreign = await answerOf(eventsUrl(a, [channel]), { ...cookie, Origin: 'https://evil.example' });
    expect(titleOf(foreign)).toEqual([403, 'origin-forbidden']);
    const embedded = await answerOf(eventsUrl(a, [channel]), { ...cookie, 'Sec-Fetch-Site': 'cross-site' });
    expect(titleOf(embedded)).toEqual([403, 'origin-forbidden']);
    const send = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${a.url}/v1/publish`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...cookie, ...headers },
        body: JSON.stringify({ channel, type: 'note', data: 1 }),
      });
    expect((await send({})).status).toBe(403);
    expect((await send({ Origin: appOrigin })).status).toBe(200);
  });

  test('the channels that may not be read are named, and no others', async () => {
    const bearer = await token(uniqueName('alice'), { read: ['mine.*'] });
    const stream = await EdgeStream.open(eventsUrl(a, ['mine.one', 'theirs.one', 'mine.two', 'theirs.two']), { token: bearer });
    const problem = await stream.problem();
    expect(stream.headers['content-type']).toBe('application/problem+json');
    expect(problem).toMatchObject({ status: 403, code: 'channel-forbidden', detail: 'May not be read: theirs.one, theirs.two.' });
    const refused = await poll(b, ['mine.one', 'theirs.one'], bearer);
    expect([refused.status, refused.body.detail]).toEqual([403, 'May not be read: theirs.one.']);
    const published = await tryPublish(a, await token(uniqueName('bob'), { publish: ['mine.**'] }), 'theirs.three', 1);
    expect([published.status, ((await published.json()) as Problem).detail.includes('theirs.three')]).toEqual([403, true]);
  });

  test('nobody gains by a name: a subject of separators and wildcards is one segment like any other', async () => {
    const own = { read: ['user.{sub}.**'], publish: ['user.{sub}.**'] };
    for (const [subject, written] of [
      ['a.b', 'a%2Eb'],
      ['**', '%2A%2A'],
      ['{sub}', '%7Bsub%7D'],
    ] as const) {
      const bearer = await token(subject, own);
      expect((await poll(a, [`user.${written}.notes`], bearer)).status).toBe(200);
      for (const channel of ['user.a.b', 'user.alice.notes', `user.${subject}.notes`, 'user.**', `user.${written}`])
        expect([channel, (await poll(a, [channel], bearer)).status]).toEqual([channel, 403]);
    }
  });

  test('without a token only what configuration opens can be read', async () => {
    const open = uniqueName('open.news');
    const stream = await EdgeStream.begin(a, [open]);
    const closed = await answerOf(eventsUrl(a, [open, 'closed.news']));
    expect(titleOf(closed)).toEqual([401, 'token-missing']);
    expect(closed.body).toContain('closed.news');
    expect(closed.body).not.toContain(open);
    expect(closed.headers['www-authenticate']).toMatch(/^Bearer /);
    await publish(b, await token(uniqueName('bob')), open, 'hello');
    await stream.until(() => stream.datas.length === 1, 'the event');
    stream.close();
  });

  test('whoever says who he is and is not believed is never taken for nobody', async () => {
    const url = eventsUrl(a, [uniqueName('open.news')]);
    const good = await token(uniqueName('alice'));
    const other = await token(uniqueName('bob'));
    const [head, body] = good.split('.') as [string, string];
    const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${body}.`;
    const attempts: (readonly [string, Record<string, string>, string])[] = [
      ['expired', { Authorization: `Bearer ${await token('alice', { seconds: -60 })}` }, 'token-expired'],
      ['forged', { Authorization: `Bearer ${head}.${body}.${other.split('.')[2]}` }, 'token-invalid'],
      ['unsigned', { Authorization: `Bearer ${unsigned}` }, 'token-invalid'],
      ['garbage', { Authorization: 'Bearer garbage' }, 'token-invalid'],
      ['nothing', { Authorization: 'Bearer ' }, 'token-invalid'],
      ['another scheme', { Authorization: 'Basic YWxpY2U6eA==' }, 'token-invalid'],
      ['a bad cookie', { Cookie: '__Host-selvage=garbage' }, 'token-invalid'],
      ['two that differ', { Authorization: `Bearer ${good}`, Cookie: `__Host-selvage=${other}` }, 'token-invalid'],
    ];
    for (const [name, headers, code] of attempts) {
      const stream = await answerOf(url, headers);
      expect([name, ...(titleOf(stream) as unknown[])]).toEqual([name, 401, code]);
      const polled = await answerOf(url, { ...headers, Accept: 'application/json' });
      expect([name, ...(titleOf(polled) as unknown[])]).toEqual([name, 401, code]);
      for (const secret of secrets) expect(stream.body).not.toContain(secretPartOf(secret));
    }
    for (const query of ['&ticket=garbage', '&ticket=', '&access_token=garbage', '&access_token='])
      expect([query, (await answerOf(url + query)).status]).toEqual([query, 401]);
  });

  test('permission is asked again by whoever comes back: a grant that is gone is a 403, also for what could be replayed', async () => {
    const subject = uniqueName('alice');
    const channel = uniqueName('project.one');
    const stream = await EdgeStream.begin(a, [channel], { token: await token(subject, { read: ['project.*'] }) });
    const position = stream.lastId;
    stream.close();
    await publish(a, await token('bob'), channel, 'secret');
    const lesser = await token(subject, { read: ['other.*'] });
    for (const node of [a, b]) {
      const back = await EdgeStream.open(eventsUrl(node, [channel]), { token: lesser, lastEventId: position });
      expect((await back.problem()).detail).toBe(`May not be read: ${channel}.`);
      expect(back.status).toBe(403);
    }
    const allowed = await EdgeStream.begin(b, [channel], { token: await token(subject), lastEventId: position });
    await allowed.until(() => allowed.datas.length === 1, 'what was missed');
    allowed.close();
  });
});

test('ten thousand requests with one token verify it once', async () => {
  const bearer = await token(uniqueName('alice'), { read: [] });
  const before = await metricOf(a, 'selvage_auth_tokens_total', 'outcome="verified"');
  const cachedBefore = await metricOf(a, 'selvage_auth_tokens_total', 'outcome="cached"');
  const sockets = 20;
  const each = 500;
  const request = `GET /v1/events?channel=closed.x HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nAuthorization: Bearer ${bearer}\r\n\r\n`;
  // All begin at once, before anybody has looked at the token; then one request after the other.
  await Promise.all(Array.from({ length: sockets }, () => askAgain(a.port, request, each)));
  const verified = (await metricOf(a, 'selvage_auth_tokens_total', 'outcome="verified"')) - before;
  const cached = (await metricOf(a, 'selvage_auth_tokens_total', 'outcome="cached"')) - cachedBefore;
  console.log(`10,000 requests of one token: ${verified} verification, ${cached} from memory`);
  expect(verified).toBe(1);
  expect(cached).toBeGreaterThanOrEqual(sockets * each - sockets);
});

test('no token and no ticket is in any line of the nodes, at debug level', () => {
  for (const node of [a, b]) {
    const log = node.logTail(1_000_000);
    // There are lines about these requests, or nothing would be shown.
    expect(log).toContain('/v1/events');
    expect(secrets.length).toBeGreaterThan(10);
    for (const secret of secrets) expect(log.includes(secretPartOf(secret))).toBe(false);
    for (const name of ['access_token=', 'ticket=', '__Host-selvage=']) expect(log).not.toContain(name);
  }
});

/** Sends the request so many times over one connection, each when the last was answered with 403. */
function askAgain(port: number, request: string, times: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(request));
    socket.on('data', (bytes) => {
      answered += bytes.toString('latin1').split('HTTP/1.1 403').length - 1;
      if (answered < times) return void socket.write(request);
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`the connection was closed after ${answered} answers`)));
  });
}
