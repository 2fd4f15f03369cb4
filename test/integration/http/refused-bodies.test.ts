import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { RawClient } from './raw-client.js';

const secret = 'a secret of at least 32 bytes, no less';
let node: SelvageNode;
let token: string;
beforeAll(async () => {
  token = await new SignJWT({ sub: 'ada', selvage: { publish: ['**'] } })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));
  node = await SelvageNode.start({
    env: {
      HOST: '127.0.0.1',
      SELVAGE_JWT_SECRET: secret,
      SELVAGE_TICKET_SECRET: 'another secret of at least 32 bytes',
      SELVAGE_AUTH_COOKIES: 'true',
      SELVAGE_CORS_ORIGINS: 'https://app.example.com',
      SELVAGE_AUTH_ANONYMOUS_PUBLISH: '',
    },
  });
});
afterAll(() => node?.close());

const head = (path: string, more: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a.b.c\r\nContent-Type: application/json\r\n${more}\r\n`;

describe.each(['/v1/publish', '/v1/tickets', '/v1/session', '/v1/streams/0123456789abcdef/token'])(
  'a POST to %s that is refused',
  (path) => {
    // A connection that is closed while a body is on its way is reset, and many clients then never see the answer.
    test.each([
      ['a body after its head', 'Content-Length: 4000\r\n', ['x'.repeat(2_000), 'x'.repeat(2_000)]],
      ['a body in chunks', 'Transfer-Encoding: chunked\r\n', ['4\r\nabcd\r\n', '0\r\n\r\n']],
    ])('is told so when it sends %s, and may ask again', async (_, framing, parts) => {
      const client = await RawClient.connect(node.port);
      client.send(head(path, framing));
      for (const part of parts) {
        await sleep(20);
        client.send(part);
      }
      await client.until((text) => text.includes('token-invalid'));
      client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await client.until((text) => text.includes('HTTP/1.1 200'))).toMatch(/^HTTP\/1\.1 401 /);
      client.close();
    });

    test('hears of it behind a body that is longer than is taken', async () => {
      const client = await RawClient.connect(node.port);
      client.send(head(path, 'Content-Length: 100000\r\n'));
      client.send('x'.repeat(50_000));
      await sleep(20);
      client.send('x'.repeat(50_000));
      await client.until((text) => text.includes('token-invalid'));
      client.close();
    });

    test('is told so at once when it announces more than is taken', async () => {
      const client = await RawClient.connect(node.port);
      client.send(head(path, 'Content-Length: 100000000\r\n'));
      await client.until((text) => text.includes('token-invalid'));
      await client.closed();
    });

    test('is told so and cut when its body does not come', async () => {
      const client = await RawClient.connect(node.port);
      client.send(head(path, 'Content-Length: 10\r\n'));
      await client.until((text) => text.includes('token-invalid'), 5_000);
      await client.closed();
    });
  },
);

test('a POST whose address cannot be read is told so behind its body, and cut', async () => {
  const client = await RawClient.connect(node.port);
  client.send(head('/v1/publish?until=%ff', 'Content-Length: 4000\r\n'));
  client.send('x'.repeat(2_000));
  await sleep(20);
  client.send('x'.repeat(2_000));
  expect(await client.until((text) => text.includes('malformed-request'))).toMatch(/^HTTP\/1\.1 400 /);
  await client.closed();
});

test.each([
  ['at an address that is not served', '/nowhere', '404'],
  ['where nothing is posted', '/v1/events', '405'],
])('a POST %s is told so behind its body, though the client wants the connection closed', async (_, path, status) => {
  const client = await RawClient.connect(node.port);
  client.send(head(path, 'Connection: close\r\nContent-Length: 4000\r\n'));
  await sleep(20);
  client.send('x'.repeat(2_000));
  await sleep(20);
  client.send('x'.repeat(2_000));
  expect(await client.until((text) => text.includes('}'))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  await client.closed();
});

test('a POST with an empty body, whose head comes in pieces, is answered at once', async () => {
  const client = await RawClient.connect(node.port);
  for (const part of ['POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ', `${token}\r\nContent`, '-Length: 0\r\n\r\n']) {
    client.send(part);
    await sleep(50);
  }
  expect(await client.until((text) => text.includes('unsupported-media-type'), 2_000)).toMatch(/^HTTP\/1\.1 415 /);
  client.close();
});
