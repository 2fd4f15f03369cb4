import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect } from 'vitest';
import { repositoryPath } from '../platform/run-folder.js';
import { SelvageNode } from '../platform/selvage-node.js';
import { SseReader } from '../platform/sse-reader.js';
import { stand } from './stand-ins.js';
import type { StandIns } from './stand-ins.js';

const secret = 'what fuzzers sign with, more than 32 bytes';
const common = {
  // The honest reader stays for as long as the fuzzing does.
  SELVAGE_STREAM_MAX_AGE_SECONDS: '0',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  SELVAGE_STREAM_KEEP_ALIVE_MS: '500',
  // The shapes of five applications, over routes that publishing feeds.
  SELVAGE_CONFIG: join(repositoryPath, 'deploy', 'streams.yaml'),
};
const withTokens = {
  SELVAGE_JWT_SECRET: secret,
  SELVAGE_TICKET_SECRET: `${secret}, tickets`,
  SELVAGE_AUTH_COOKIES: 'true',
  SELVAGE_AUTH_QUERY_TOKEN: 'true',
  SELVAGE_AUTH_ANONYMOUS_READ: 'open.**',
  SELVAGE_AUTH_ANONYMOUS_PUBLISH: '',
  SELVAGE_CORS_ORIGINS: 'https://app.example.com,https://*.example.org',
  SELVAGE_CORS_CREDENTIALS: 'true',
  SELVAGE_MAX_CONNECTIONS_PER_USER: '50',
};

/** A node under fire, and somebody who reads from it all the while. */
export class FuzzTarget {
  readonly name: string;
  readonly node: SelvageNode;
  readonly standIns: StandIns;
  readonly #token: string | null;
  readonly #honest: SseReader;
  readonly #kept: SseReader | null;
  #probes = 0;

  private constructor(
    name: string,
    node: SelvageNode,
    standIns: StandIns,
    token: string | null,
    honest: SseReader,
    kept: SseReader | null,
  ) {
    this.name = name;
    this.node = node;
    this.standIns = standIns;
    this.#token = token;
    this.#honest = honest;
    this.#kept = kept;
  }

  /** A node on which nobody is asked who they are. */
  static async openToAll(): Promise<FuzzTarget> {
    const node = await SelvageNode.start({ env: common });
    const honest = await SseReader.open(node, 'channel=honest-reader');
    return new FuzzTarget('open to all', node, { ...stand, stream: 'A'.repeat(16), position: honest.lastId ?? '' }, null, honest, null);
  }

  /** A node that wants tokens, for so many seconds. */
  static async withTokens(seconds: number): Promise<FuzzTarget> {
    const node = await SelvageNode.start({ env: { ...common, ...withTokens } });
    const grants = { read: ['**'], publish: ['**'] };
    const [token, otherToken, lateToken, ownToken, shortToken] = await Promise.all([
      sign('fuzz', grants, seconds),
      sign('other', { read: [], publish: [] }, seconds),
      sign('fuzz', grants, -86_400),
      sign('honest', grants, seconds),
      sign('fuzz', grants, 28),
    ]);
    const honest = await SseReader.open(node, `channel=honest-reader&access_token=${ownToken}`);
    const ticket = await ticketOf(node, token);
    // What its streams are called is told to those whose token runs out, and it goes on because one of the cases renews it.
    const kept = await SseReader.open(node, `channel=honest-kept&access_token=${shortToken}`);
    await kept.until(() => kept.tokenStream !== null, 'the name of the stream');
    const standIns = { token, otherToken, lateToken, ticket, stream: kept.tokenStream ?? '', position: honest.lastId ?? '' };
    return new FuzzTarget('with tokens', node, standIns, ownToken, honest, kept);
  }

  get residentMb(): number {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.node.pid ?? 0}/status`, 'utf8'))?.[1]) / 1_024;
  }

  /** Readers of ours. */
  get readerCount(): number {
    return this.#kept === null ? 1 : 2;
  }

  /** What is published reaches the honest reader. */
  async expectServing(): Promise<void> {
    const value = `probe ${this.#probes++}`;
    const published = await fetch(`${this.node.url}/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }) },
      body: JSON.stringify({ channel: 'honest-reader', data: value }),
    });
    expect(published.status, await published.text()).toBe(200);
    await this.#honest.until(() => this.#honest.datas.includes(value), value);
    if (this.#kept !== null) expect(this.#kept.ended, 'the renewed stream').toBeNull();
  }

  /** Requests answered so far, by route and status. */
  async answered(): Promise<ReadonlyMap<string, number>> {
    const metrics = await (await fetch(`${this.node.adminUrl}/metrics`)).text();
    const lines = [...metrics.matchAll(/^selvage_http_requests_total\{([^}]*)\} (\d+)$/gm)];
    const labelOf = (labels: string, name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    return new Map(lines.map(([, labels = '', count]) => [`${labelOf(labels, 'route')} ${labelOf(labels, 'status')}`, Number(count)]));
  }

  async openConnections(): Promise<number> {
    const metrics = await (await fetch(`${this.node.adminUrl}/metrics`)).text();
    return Number(/^selvage_connections (\d+)$/m.exec(metrics)?.[1]);
  }

  async close(): Promise<void> {
    this.#honest.close();
    this.#kept?.close();
    await this.node.close();
  }
}

function sign(subject: string, grants: object, seconds: number): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ selvage: grants })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setIssuedAt(Math.min(now, now + seconds - 60))
    .setExpirationTime(now + seconds)
    .sign(new TextEncoder().encode(secret));
}

async function ticketOf({ url }: SelvageNode, token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v1/tickets`, { method: 'POST', headers, body: '{"channels":["honest-ticket"]}' });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { ticket: string }).ticket;
}
