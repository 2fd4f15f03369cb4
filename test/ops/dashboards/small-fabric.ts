import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import kafkajs from 'kafkajs';
import { newKey, signWith } from '../../integration/admission/identity/jwks-server.js';
import { writeConfigFile } from '../../platform/node-fixture.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { uniqueName } from '../../platform/unique-name.js';

/** An edge, an indexer, their identity provider and permission hook, and traffic of every kind, until `close`. */
export class SmallFabric {
  readonly nodes: readonly SelvageNode[];
  readonly topic: string;
  readonly #servers: readonly Server[];
  readonly #edge: SelvageNode;
  readonly #token: (subject: string) => Promise<string>;
  readonly #readers: SseReader[] = [];

  private constructor(
    edge: SelvageNode,
    indexer: SelvageNode,
    servers: readonly Server[],
    topic: string,
    token: (subject: string) => Promise<string>,
  ) {
    this.nodes = [edge, indexer];
    this.#edge = edge;
    this.#servers = servers;
    this.topic = topic;
    this.#token = token;
  }

  static async start(): Promise<SmallFabric> {
    const topic = uniqueName('dashboards');
    const key = newKey('k');
    const [keys, hook] = [await serve({ keys: [key.jwk] }), await serve({ allow: true })];
    const now = Math.floor(Date.now() / 1_000);
    const token = (sub: string): Promise<string> =>
      signWith(key, { sub, iat: now, exp: now + 600, selvage: { read: ['**'], publish: ['**'] } });
    const config = writeConfigFile({
      routes: [{ topic, channels: ['{key|raw}'], keyed: 'murmur2', type: '{header:ce_type|message}', publish: true }],
      streams: [{ name: 'asked', path: '/asked/{id}', channels: ['a.{id}'], auth: 'required', permission: 'hook' }],
    });
    const env = {
      HOST: '127.0.0.1',
      KAFKA_BROKERS: sharedKafka().brokers,
      REDIS_URL: sharedRedis().url,
      SELVAGE_CONFIG: config,
      SELVAGE_GROUP: uniqueName('dashboards'),
      SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0',
      SELVAGE_MAX_CONNECTIONS_PER_USER: '1',
      SELVAGE_JWKS_URL: keys.url,
      SELVAGE_AUTH_PERMISSION_HOOK_URL: hook.url,
    };
    const edge = await SelvageNode.start({ env: { ...env, SELVAGE_ROLES: 'edge' } });
    const indexer = await SelvageNode.start({ env: { ...env, SELVAGE_ROLES: 'indexer' } });
    return new SmallFabric(edge, indexer, [keys.server, hook.server], topic, token);
  }

  /** One of everything that is counted: events, a return, gaps, refusals of each kind, a permission asked, records that nobody can read, a command. */
  async live(): Promise<void> {
    const authorization = `Bearer ${await this.#token('alice')}`;
    await this.publish(20);
    const first = await SseReader.open(this.#edge, 'channel=c&rewind=5');
    await first.take(1);
    await this.publish(20);
    const position = first.lastId;
    first.close();
    this.#readers.push(await SseReader.open(this.#edge, 'channel=c', { lastEventId: position }));
    this.#readers.push(await SseReader.open(this.#edge, 'channel=c', { lastEventId: 'not-a-position' }));
    await this.publish(20);
    const get = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
      const answer = await fetch(`${this.#edge.url}${path}`, { headers, signal: AbortSignal.timeout(5_000) });
      if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) await answer.body?.cancel();
      else await answer.text();
    };
    const aside = { accept: 'application/json' };
    await get('/v1/events?channel=c&wait=0', { ...aside, authorization });
    await get('/v1/events?channel=c&wait=0', { ...aside, authorization: 'Bearer wrong' });
    await get('/v1/events?nonsense=1', aside);
    await get('/nothing');
    await get('/asked/1?format=json&wait=0', { authorization });
    await fetch(`${this.#edge.adminUrl}/v1/disconnect`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ subject: 'mallory' }),
    });
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    await Promise.all(this.nodes.map((node) => node.close()));
    for (const server of this.#servers) server.close();
  }

  /** So many events over HTTP, and a record that nobody can read. */
  async publish(count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, n) => ({ channel: 'c', data: { n } }));
    const answer = await fetch(`${this.#edge.url}/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    });
    if (!answer.ok) throw new Error(`publishing was answered ${answer.status}: ${await answer.text()}`);
    const kafka = new kafkajs.Kafka({ brokers: sharedKafka().brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    // No UTF-8: a dead letter.
    await producer.send({ topic: this.topic, messages: [{ key: 'c', value: Buffer.from([0xff, 0xfe, 0x00]) }] });
    await producer.disconnect();
  }
}

async function serve(answer: object): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
