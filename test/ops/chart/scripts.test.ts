import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { chartPath } from './rendered-chart.js';

const run = promisify(execFile);
const scriptPath = (name: string): string => join(chartPath, 'files', 'scripts', name);
const folder = mkdtempSync(join(tmpdir(), 'selvage-chart-'));

/** What the API of Kubernetes answers about nodes, with the certificate that pods verify it by. */
async function startApi(answer: (request: IncomingMessage) => { readonly status: number; readonly body: object }): Promise<number> {
  const [key, cert] = [join(folder, 'api.key'), join(folder, 'ca.crt')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  writeFileSync(join(folder, 'token'), 'the-token\n');
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const { status, body } = answer(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function findRack(port: number, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const [from, to] = [join(folder, 'from.json'), join(folder, 'to.json')];
  writeFileSync(from, JSON.stringify({ group: 'g', kafka: { brokers: ['kafka:9092'] } }));
  const given = {
    RACK_FOLDER: folder,
    CONFIG_FROM: from,
    CONFIG_TO: to,
    NODE_NAME: 'node-1',
    RACK_LABEL: 'topology.k8s.aws/zone-id',
    ...env,
  };
  const api = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
  await run(process.execPath, [scriptPath('rack-of-node.mjs')], { env: { ...process.env, ...given, ...api } });
  return JSON.parse(readFileSync(to, 'utf8'));
}

test('the rack is the label of the node that the pod is on', async () => {
  const asked: string[] = [];
  const port = await startApi(({ url, headers }) => {
    asked.push(`${url ?? ''} ${headers.authorization ?? ''}`);
    return { status: 200, body: { metadata: { labels: { 'topology.k8s.aws/zone-id': 'euc1-az2' } } } };
  });
  expect(await findRack(port)).toEqual({ group: 'g', kafka: { brokers: ['kafka:9092'], rackId: 'euc1-az2' } });
  expect(asked).toEqual(['/api/v1/nodes/node-1 Bearer the-token']);
  const map = { RACK_MAP: JSON.stringify({ 'euc1-az2': 'rack-2' }) };
  expect(await findRack(port, map)).toMatchObject({ kafka: { rackId: 'rack-2' } });
});

test('without an answer, or without the label, the node starts without a rack', async () => {
  const without = { group: 'g', kafka: { brokers: ['kafka:9092'] } };
  expect(await findRack(await startApi(() => ({ status: 403, body: {} })))).toEqual(without);
  expect(await findRack(await startApi(() => ({ status: 200, body: { metadata: { labels: {} } } })))).toEqual(without);
  expect(await findRack(1)).toEqual(without);
});

/** Runs what `helm test` runs; resolves with what it said and its exit code. */
async function checkRelease(env: Readonly<Record<string, string>>): Promise<{ readonly code: number; readonly said: string }> {
  const program = readFileSync(scriptPath('check-release.mjs'), 'utf8');
  const args = ['--input-type=module', '--eval', program];
  const given = { ...process.env, CHANNEL: 'selvage.helm-test', WAIT_MS: '1500', ...env };
  return run(process.execPath, args, { env: given }).then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    (error: unknown) => {
      const { code, stderr } = error as { readonly code: number; readonly stderr: string };
      return { code, said: stderr };
    },
  );
}

test('helm test passes on a node that delivers, and on one that asks for a token', async () => {
  const open = await SelvageNode.start({ env: {} });
  onTestFinished(() => open.close());
  expect(await checkRelease({ ADMIN_URL: open.adminUrl, PUBLIC_URL: open.url })).toMatchObject({ code: 0 });
  const closed = await SelvageNode.start({ isOpen: false, env: { SELVAGE_JWT_SECRET: 'thirty-two bytes or more of a secret for tokens' } });
  onTestFinished(() => closed.close());
  const urls = { ADMIN_URL: closed.adminUrl, PUBLIC_URL: closed.url };
  expect(await checkRelease(urls)).toMatchObject({ code: 0 });
  // With a token the stream must open, and this one is none.
  writeFileSync(join(folder, 'token-of-test'), 'not-a-token');
  const refused = await checkRelease({ ...urls, TOKEN_FILE: join(folder, 'token-of-test') });
  expect(refused.code).toBe(1);
  expect(refused.said).toContain('stream: the stream answered 401');
});

test('helm test fails where nobody answers, and says so', async () => {
  const { code, said } = await checkRelease({ ADMIN_URL: 'http://127.0.0.1:1', PUBLIC_URL: 'http://127.0.0.1:1' });
  expect(code).toBe(1);
  expect(said).toContain('readiness: fetch failed');
});
