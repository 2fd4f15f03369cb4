import { readFileSync, writeFileSync } from 'node:fs';
import kafkajs from 'kafkajs';
import type { AclEntry, AclOperationTypes, AclResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { renew } from './certificates.js';
import { bounded, SecuredKafka, users } from './secured-kafka.js';

type Env = Readonly<Record<string, string>>;

const whenOwn = test.skipIf(sharedKafka().isProvided);
const patience = { timeoutMs: 25_000, everyMs: 100 };
let secured: SecuredKafka;
let kafka: KafkaFixture;

beforeAll(async () => {
  if (sharedKafka().isProvided) return;
  secured = await SecuredKafka.start();
  kafka = await KafkaFixture.connect(secured.cluster.brokers);
});
afterAll(async () => {
  await kafka?.close();
  await secured?.close();
});

/** A node with a topic of its own, to which channels of any name may be published. */
async function startSecuredNode(
  env: Env,
  more: { waitsUntilReady?: boolean; topic?: string; redisUrl?: string } = {},
): Promise<SelvageNode> {
  const { waitsUntilReady = true, redisUrl = null } = more;
  const topic = more.topic ?? (await kafka.makeTopic());
  const routes = [{ topic, channels: ['{key|raw}'], keyed: 'murmur2', type: '{header:selvage-type|message}', publish: true }];
  return startNode({ brokers: '', redisUrl, routes, waitsUntilReady, env: { LOG_LEVEL: 'debug', ...env } });
}

async function publish(node: SelvageNode, data: string): Promise<void> {
  const answer = await fetch(`${node.url}/v1/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ channel: 'demo', type: 'note', data }),
  });
  expect(answer.status, await answer.text()).toBe(200);
}

async function expectToServe(node: SelvageNode): Promise<void> {
  using reader = await SseReader.open(node, 'channel=demo');
  await publish(node, 'hello');
  expect(await reader.take(1)).toEqual(['hello']);
}

/** Every line at every level. */
function expectNoSecretSaid(node: SelvageNode, more: readonly string[] = []): void {
  const said = node.logTail(1_000_000);
  const passwords = [bounded, ...Object.values(users)].map(({ password }) => password);
  for (const secret of [...passwords, secured.tokens.clientSecret, ...secured.tokens.tokens, 'PRIVATE KEY', ...more]) {
    expect(said).not.toContain(secret);
  }
}

const forms: readonly { form: string; env: () => Env }[] = [
  { form: 'TLS', env: () => secured.tls('TLS') },
  { form: 'TLS with a client certificate', env: () => withCertificate(secured.authority.sign('node')) },
  { form: 'SASL PLAIN', env: () => secured.sasl('plain', users.plain) },
  { form: 'SASL SCRAM-SHA-256', env: () => secured.sasl('scram-sha-256', users['scram-sha-256']) },
  { form: 'SASL SCRAM-SHA-512', env: () => secured.sasl('scram-sha-512', users['scram-sha-512']) },
  { form: 'SASL OAUTHBEARER', env: () => secured.oauth(secured.tokens.clientSecret) },
];

function withCertificate({ cert, key }: { cert: string; key: string }): Env {
  return { ...secured.tls('MTLS'), SELVAGE_KAFKA_TLS_CERT_FILE: cert, SELVAGE_KAFKA_TLS_KEY_FILE: key };
}

whenOwn.concurrent.each(forms)('over $form a node is ready, publishes and streams', async ({ env }) => {
  await using node = await startSecuredNode(env());
  await expectToServe(node);
  expectNoSecretSaid(node);
});

interface Mistake {
  readonly mistake: string;
  /** What the log says of it. */
  readonly says: RegExp;
  /** Settings with the mistake, what must not be said either, and the correction, in files alone. */
  readonly make: () => { env: Env; secret?: string; correct: () => void };
}

const mistakes: readonly Mistake[] = [
  {
    mistake: 'an authority that did not sign the broker',
    says: /self-signed certificate|unable to verify|unable to get (local )?issuer/,
    make: () => {
      const ca = secured.file('trusted.pem', readFileSync(secured.stranger.cert, 'utf8'));
      const correct = (): void => writeFileSync(ca, readFileSync(secured.authority.cert));
      return { env: { ...secured.tls('TLS'), SELVAGE_KAFKA_TLS_CA_FILE: ca }, correct };
    },
  },
  {
    mistake: 'a client certificate that the broker does not trust',
    says: /certificate/,
    make: () => {
      const shown = secured.stranger.sign('node');
      return { env: withCertificate(shown), correct: () => renew(secured.authority.sign('node'), shown) };
    },
  },
  {
    mistake: 'a client certificate file that is not there',
    says: /no such file.*absent\.pem/,
    make: () => {
      const { key, cert } = secured.authority.sign('node');
      const absent = `${secured.folder}/absent.pem`;
      return { env: withCertificate({ cert: absent, key }), correct: () => writeFileSync(absent, readFileSync(cert)) };
    },
  },
  {
    mistake: 'a wrong SCRAM password',
    says: /SCRAM.*invalid credentials/,
    make: () => {
      const { username, password } = users['scram-sha-512'];
      const path = secured.file('scram-password', 'mistaken-password');
      const env = { ...secured.sasl('scram-sha-512', { username }), SELVAGE_KAFKA_SASL_PASSWORD_FILE: path };
      return { env, secret: 'mistaken-password', correct: () => writeFileSync(path, `${password}\n`) };
    },
  },
  {
    mistake: 'a wrong client secret',
    says: /token endpoint.*answered 401/,
    make: () => {
      const path = secured.file('client-secret', 'mistaken-secret');
      const env = { ...secured.oauth(), SELVAGE_KAFKA_SASL_CLIENT_SECRET_FILE: path };
      return { env, secret: 'mistaken-secret', correct: () => writeFileSync(path, secured.tokens.clientSecret) };
    },
  },
];

whenOwn.concurrent.each(mistakes)('with $mistake a node says so, waits, and serves once the file is right', async ({ says, make }) => {
  const { env, secret, correct } = make();
  await using node = await startSecuredNode(env, { waitsUntilReady: false });
  const { pid } = node;
  const warning = await waitFor(() => warningsOf(node).find((line) => says.test(line)), { ...patience, what: `a line with ${says}` });
  expect(warning).toContain('Kafka does not answer yet');
  expect(await node.isReady()).toBe(false);
  correct();
  await waitFor(() => node.isReady(), { ...patience, what: 'readiness' });
  expect(node.pid).toBe(pid);
  await expectToServe(node);
  expectNoSecretSaid(node, secret === undefined ? [] : [secret]);
});

whenOwn.concurrent('a wrong PLAIN password from the environment keeps a node waiting, with a clear line', async () => {
  const env = secured.sasl('plain', { ...users.plain, password: 'mistaken-password' });
  await using node = await startSecuredNode(env, { waitsUntilReady: false });
  const isClear = (line: string): boolean => /PLAIN authentication failed.*Invalid username or password/.test(line);
  await waitFor(() => warningsOf(node).some(isClear), { ...patience, what: 'a line of the refusal' });
  expect(node.isRunning).toBe(true);
  expect(await node.isReady()).toBe(false);
  expectNoSecretSaid(node, ['mistaken-password']);
});

whenOwn.concurrent('a stream goes on while the tokens of its node run out one after the other', async () => {
  const scope = 'seconds:22';
  await using node = await startSecuredNode({ ...secured.oauth(secured.tokens.clientSecret), SELVAGE_KAFKA_SASL_SCOPE: scope });
  using reader = await SseReader.open(node, 'channel=demo');
  const issued = secured.tokens.claimsOf(scope);
  const lastExpires = Math.max(...issued().map(({ exp }) => exp));
  // Asked for when all of the first have run out: whoever still has one of them must authenticate anew, or is cut off by the broker.
  await waitFor(() => issued().some(({ iat }) => iat > lastExpires), { timeoutMs: 50_000, everyMs: 200, what: 'a later token' });
  await publish(node, 'still here');
  expect(await reader.take(1)).toEqual(['still here']);
  expect(reader.gaps).toEqual([]);
  expectNoSecretSaid(node);
});

function warningsOf(node: SelvageNode): readonly string[] {
  return node
    .logTail(1_000_000)
    .split('\n')
    .filter((line) => line.includes('"level":"warn"'));
}

const { AclOperationTypes: operation, AclResourceTypes: resource, ResourcePatternTypes: pattern } = kafkajs;

function allow(
  resourceType: AclResourceTypes,
  resourceName: string,
  operations: readonly AclOperationTypes[],
  isPrefix = false,
): AclEntry[] {
  return operations.map((one) => ({
    resourceType,
    resourceName,
    resourcePatternType: isPrefix ? pattern.PREFIXED : pattern.LITERAL,
    principal: `User:${bounded.username}`,
    host: '*',
    operation: one,
    permissionType: kafkajs.AclPermissionTypes.ALLOW,
  }));
}

whenOwn.concurrent('a user with no more than the permissions needed serves, indexes, writes dead letters and reads the log', async () => {
  const topic = await kafka.makeTopic();
  const group = uniqueName('bounded');
  const deadLetters = `${group}.dead-letters`;
  await kafka.admin.createAcls({
    acl: [
      ...allow(resource.TOPIC, topic, [operation.READ, operation.DESCRIBE, operation.DESCRIBE_CONFIGS, operation.WRITE]),
      ...allow(resource.GROUP, `${group}-`, [operation.READ], true),
      ...allow(resource.TOPIC, `${group}.control`, [operation.CREATE, operation.READ, operation.WRITE, operation.DESCRIBE_CONFIGS]),
      ...allow(resource.TOPIC, deadLetters, [operation.CREATE, operation.WRITE]),
    ],
  });
  const env = { ...secured.sasl('scram-sha-512', bounded), SELVAGE_GROUP: group };
  await using node = await startSecuredNode(env, { topic, redisUrl: sharedRedis().url });
  using reader = await SseReader.open(node, 'channel=demo');
  const before = reader.lastId;
  await publish(node, 'bounded');
  expect(await reader.take(1)).toEqual(['bounded']);
  await kafka.send(topic, [{ key: 'demo', value: Buffer.from([0xff, 0xfe]) }]);
  const written = (): Promise<number> => readMetric(node, 'selvage_dead_letters_total', { outcome: 'written' });
  await waitFor(async () => (await written()) === 1, { ...patience, what: 'the dead letter' });
  expect(await kafka.endOf(deadLetters)).toBe(1);
  expect(await readMetric(node, 'selvage_window_events_written_total')).toBe(1);

  // No Redis: what came before its start is in the log alone.
  await using other = await startSecuredNode({ ...env, SELVAGE_ROLES: 'edge' }, { topic });
  using late = await SseReader.open(other, 'channel=demo', { lastEventId: before });
  expect(await late.take(1)).toEqual(['bounded']);
  expect(late.gaps).toEqual([]);
  expect([...warningsOf(node), ...warningsOf(other)].filter((line) => /topic|allow|uthoriz/.test(line))).toEqual([]);
});

whenOwn.concurrent('a user that may not read a routed topic keeps a node waiting, with a line that names the topic', async () => {
  const topic = await kafka.makeTopic();
  await using node = await startSecuredNode(secured.sasl('scram-sha-512', bounded), { topic, waitsUntilReady: false });
  const isClear = (line: string): boolean => line.includes(topic) && /authoriz/i.test(line);
  await waitFor(() => warningsOf(node).some(isClear), { ...patience, what: 'a line of the refusal' });
  expect(node.isRunning).toBe(true);
  expect(await node.isReady()).toBe(false);
});
