import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { writeConfigFile } from '../../platform/node-fixture.js';
import { makeRunFolder } from '../../platform/run-folder.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { waitFor } from '../../platform/wait-for.js';

const closed = { SELVAGE_AUTH_ANONYMOUS_READ: '', SELVAGE_AUTH_ANONYMOUS_PUBLISH: '' };
const secret = "it's a secret of more than 32 bytes";
const secretFile = join(makeRunFolder('welcome'), 'secret');
writeFileSync(secretFile, `${secret}\n`);

const forms: readonly { form: string; env: Record<string, string>; isTyped?: boolean }[] = [
  { form: 'nothing is configured', env: { ...closed } },
  { form: 'tokens are needed', env: { ...closed, SELVAGE_JWT_SECRET: secret } },
  {
    form: 'tokens are needed, of an issuer and for an audience',
    env: { ...closed, SELVAGE_JWT_SECRET: secret, SELVAGE_JWT_ISSUER: "https://o'id.example/", SELVAGE_JWT_AUDIENCE: 'a,b' },
  },
  {
    form: 'the secret is in a file, and claims have other names',
    env: { ...closed, SELVAGE_JWT_SECRET_FILE: secretFile, SELVAGE_AUTH_SUBJECT_CLAIM: 'uid' },
  },
  { form: 'only publishing needs a token', env: { ...closed, SELVAGE_JWT_SECRET: secret, SELVAGE_AUTH_ANONYMOUS_READ: '*' } },
  { form: 'all addresses and a path are served', env: { HOST: '0.0.0.0', SELVAGE_BASE_PATH: '/fabric' } },
  {
    form: 'the route carries no type',
    env: { ...closed, SELVAGE_CONFIG: writeConfigFile({ routes: [{ topic: 't', channels: '{key|raw}', publish: true }] }) },
    isTyped: false,
  },
];

/** The lines that are to be typed. */
const linesOf = (node: SelvageNode): readonly string[] =>
  node
    .logTail(200)
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());

test.each(forms)('what a node says to type works as it stands when $form', async ({ env, isTyped = true }) => {
  await using node = await SelvageNode.start({ env });
  const lines = await waitFor(() => (linesOf(node).length > 1 ? linesOf(node) : null), { what: 'the welcome' });
  const shell = { env: { ...process.env, SELVAGE_JWT_SECRET: env['SELVAGE_JWT_SECRET'] ?? '' } };
  const publish = lines.at(-1) ?? '';
  const before = lines.length === 3 ? `${lines[0]}\n` : '';
  const reader = spawn('sh', ['-c', `${before}exec ${lines.at(-2)}`], shell);
  let heard = '';
  reader.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  try {
    await waitFor(() => heard.includes('id: '), { what: 'the stream' });
    const { stdout } = await promisify(execFile)('sh', ['-c', before + publish], shell);
    expect(JSON.parse(stdout)).toMatchObject({ results: [{ offset: '0' }] });
    await waitFor(() => heard.includes('data: {"hello":"world"}'), { what: 'the event' });
    expect(heard.includes('event: greeting')).toBe(isTyped);
  } finally {
    reader.kill();
  }
});

test.each<[string, Record<string, string>, string]>([
  ['nobody may do anything', { ...closed, HOST: '0.0.0.0' }, 'Nobody may read or publish yet'],
  [
    'tokens come from elsewhere',
    { ...closed, SELVAGE_JWKS_URL: 'https://127.0.0.1:1/keys', SELVAGE_JWT_ISSUER: 'https://id.example/' },
    '{"iss":"https://id.example/","sub":"me"',
  ],
  [
    'no route has such a channel',
    { SELVAGE_CONFIG: writeConfigFile({ routes: [{ topic: 't', channels: 'task.{key}' }] }) },
    'which channels there are',
  ],
])('what is missing is said when %s', async (_, env, sentence) => {
  await using node = await SelvageNode.start({ env, waitsUntilReady: false });
  await waitFor(() => node.logTail(200).includes(sentence), { what: sentence });
});
