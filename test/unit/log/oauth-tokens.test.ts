import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OauthTokens } from '../../../src/log/kafka/oauth-tokens.js';

const requests: { authorization: string | undefined; body: string }[] = [];
let answer: { status: number; body: string } = { status: 200, body: '' };
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    requests.push({ authorization: request.headers.authorization, body });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
});
let tokenEndpoint: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  tokenEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
});
afterAll(() => void server.close());

test('a token is asked for once, kept until shortly before it runs out, then replaced', async () => {
  let nowMs = 1_000_000;
  const tokens = new OauthTokens({ tokenEndpoint, clientId: 'a client', scope: 'kafka' }, () => 's3cret/&', {
    nowMs: () => nowMs,
    tickMs: () => nowMs,
  });
  answer = { status: 200, body: JSON.stringify({ access_token: 'one', expires_in: 300 }) };
  requests.length = 0;
  expect(await Promise.all([tokens.current(), tokens.current(), tokens.current()])).toEqual(['one', 'one', 'one']);
  expect(requests.length).toBe(1);
  expect(new URLSearchParams(requests[0]!.body).get('grant_type')).toBe('client_credentials');
  expect(new URLSearchParams(requests[0]!.body).get('scope')).toBe('kafka');
  expect(Buffer.from(requests[0]!.authorization!.slice(6), 'base64').toString()).toBe('a%20client:s3cret%2F%26');
  answer = { status: 200, body: JSON.stringify({ access_token: 'two', expires_in: 300 }) };
  nowMs += 269_000;
  expect(await tokens.current()).toBe('one');
  nowMs += 2_000;
  expect(await tokens.current()).toBe('two');
});

test('a refusal is told without the secret, and the next call asks again', async () => {
  const tokens = new OauthTokens({ tokenEndpoint, clientId: 'c' }, () => 'hidden', { nowMs: () => 0, tickMs: () => 0 });
  answer = { status: 401, body: '{"error":"invalid_client"}' };
  const failure = await tokens.current().catch((error: unknown) => error as Error);
  expect(failure).toMatchObject({ name: 'LogError', retriable: false });
  expect(String(failure)).not.toContain('hidden');
  answer = { status: 200, body: JSON.stringify({ access_token: 'fine' }) };
  expect(await tokens.current()).toBe('fine');
});

test('an answer that is no JSON is told without quoting it', async () => {
  const tokens = new OauthTokens({ tokenEndpoint, clientId: 'c' }, () => 'hidden', { nowMs: () => 0, tickMs: () => 0 });
  answer = { status: 200, body: 'access_token=precious' };
  const failure = await tokens.current().catch((error: unknown) => error as Error);
  expect(String(failure)).toMatch(/sent no token/);
  expect(String(failure)).not.toContain('acce');
});
