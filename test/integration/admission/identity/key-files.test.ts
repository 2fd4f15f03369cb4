import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { MemoryTicketBook } from '../../../../src/admission/memory/memory-ticket-book.js';
import type { Issuer, KeySpec } from '../../../../src/admission/identity/issuer.js';
import { defaultKeyTimes } from '../../../../src/admission/identity/key-source.js';
import { Tickets } from '../../../../src/admission/tickets/tickets.js';
import { noMetrics } from '../../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../../src/telemetry/silent-logger.js';
import { waitFor } from '../../../platform/wait-for.js';
import {
  bearer,
  codeOf,
  hsIssuer,
  makeIdentity,
  principalIn,
  request,
  signHs,
  usualClaims,
} from '../../../unit/admission/identity/identity-fixture.js';
import type { Made } from '../../../unit/admission/identity/identity-fixture.js';

const oldSecret = 'the-old-secret-has-thirty-two-bytes-or-more';
const newSecret = 'the-new-secret-has-thirty-two-bytes-or-more';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selvage-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function startNode(
  keys: KeySpec,
  algorithms: Issuer['algorithms'] = ['HS256'],
): Promise<Made & { ask(token: string): Promise<string> }> {
  const made = makeIdentity({ issuers: [{ ...hsIssuer, algorithms, keys }] });
  onTestFinished(() => made.identity.stop());
  await made.identity.start();
  return { ...made, ask: async (token) => codeOf(await made.identity.authenticate(bearer(token))) };
}

test('a replaced secret counts as soon as a token needs it, the old one for a while longer', async () => {
  const path = join(makeFolder(), 'secret');
  writeFileSync(path, `${oldSecret}\n`);
  const { ask, environment, lines } = await startNode({ kind: 'secret-files', paths: [path], encoding: 'utf8' });
  const oldToken = await signHs({}, {}, oldSecret);
  expect(await ask(oldToken)).toBe('principal');
  expect(await ask(await signHs({ n: 0 }, {}, newSecret))).toBe('token-invalid');
  environment.advance(1_001);
  writeFileSync(path, `${newSecret}\n`);
  expect(await ask(await signHs({}, {}, newSecret))).toBe('principal');
  expect(await ask(oldToken)).toBe('principal');
  expect(await ask(await signHs({ n: 1 }, {}, oldSecret))).toBe('principal');
  environment.advance(600_001);
  expect(await ask(oldToken)).toBe('token-invalid');
  expect(await ask(await signHs({}, {}, newSecret))).toBe('principal');
  expect(JSON.stringify(lines)).not.toContain('secret-has');
});

test('without a token that needs it a file is read again, too, also behind a link as Kubernetes mounts it', async () => {
  const folder = makeFolder();
  for (const [name, secret] of [
    ['1', oldSecret],
    ['2', newSecret],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'secret'), secret);
  }
  symlinkSync('1', join(folder, '..data'));
  const { environment, lines } = await startNode({ kind: 'secret-files', paths: [join(folder, '..data', 'secret')], encoding: 'utf8' });
  symlinkSync('2', join(folder, '..next'));
  renameSync(join(folder, '..next'), join(folder, '..data'));
  environment.advance(5_000);
  await waitFor(() => lines.some(({ message }) => message.startsWith('keys were replaced')), { what: 'the new secret' });
});

test.each<[string, (path: string) => void]>([
  ['empty', (path) => writeFileSync(path, '')],
  ['gone', (path) => rmSync(path)],
  ['too short a secret', (path) => writeFileSync(path, 'short-and-to-be-kept')],
  ['a public key', (path) => writeFileSync(path, generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }))],
  ['far too large', (path) => writeFileSync(path, Buffer.alloc(2_000_000, 65))],
])('a file that is %s for a moment leaves the keys as they are', async (_, breakIt) => {
  const path = join(makeFolder(), 'secret');
  writeFileSync(path, oldSecret);
  const { ask, environment, lines } = await startNode({ kind: 'secret-files', paths: [path], encoding: 'utf8' });
  breakIt(path);
  environment.advance(5_000);
  await waitFor(() => lines.some(({ message }) => message.startsWith('key files cannot be used')), { what: 'the warning' });
  environment.advance(600_001);
  expect(await ask(await signHs({}, {}, oldSecret))).toBe('principal');
  expect(JSON.stringify(lines)).not.toMatch(/to-be-kept|BEGIN|secret-has/);
});

test('a node does not start with files that cannot be used, and says which', async () => {
  const path = join(makeFolder(), 'secret');
  await expect(startNode({ kind: 'secret-files', paths: [path], encoding: 'utf8' })).rejects.toThrow(path);
  writeFileSync(path, 'short');
  await expect(startNode({ kind: 'secret-files', paths: [path], encoding: 'utf8' })).rejects.toThrow(/secret has 5 bytes/);
});

test('public keys come from several PEM files, and from a file with a key set', async () => {
  const folder = makeFolder();
  const [one, two] = [generateKeyPairSync('ed25519'), generateKeyPairSync('rsa', { modulusLength: 2_048 })];
  const paths = [join(folder, 'one.pem'), join(folder, 'two.pem')];
  [one, two].forEach(({ publicKey }, i) => writeFileSync(paths[i]!, publicKey.export({ type: 'spki', format: 'pem' })));
  const jwks = join(folder, 'keys.json');
  writeFileSync(jwks, JSON.stringify({ keys: [one, two].map(({ publicKey }) => publicKey.export({ format: 'jwk' })) }));
  const byOne = await new SignJWT(usualClaims).setProtectedHeader({ alg: 'EdDSA' }).sign(one.privateKey);
  const byTwo = await new SignJWT(usualClaims).setProtectedHeader({ alg: 'PS256', kid: 'any' }).sign(two.privateKey);
  for (const keys of [{ kind: 'pem-files', paths } as const, { kind: 'jwks-file', path: jwks } as const]) {
    const { ask } = await startNode(keys, ['EdDSA', 'PS256']);
    expect([await ask(byOne), await ask(byTwo)]).toEqual(['principal', 'principal']);
  }
});

test('tickets survive the replacement of their secret, on nodes that have read it and on ones that have not yet', async () => {
  const path = join(makeFolder(), 'tickets');
  writeFileSync(path, oldSecret);
  const { identity, environment } = makeIdentity();
  const book = new MemoryTicketBook(environment.clock);
  const makeTickets = (): Tickets =>
    new Tickets({
      secret: { kind: 'secret-files', paths: [path], encoding: 'utf8' },
      keyTimes: { ...defaultKeyTimes, filePollMs: 3_600_000 },
      book,
      usableMs: 30_000,
      keptClaims: [],
      environment,
      logger: silentLogger,
      metrics: noMetrics,
    });
  const nodes = [makeTickets(), makeTickets()] as const;
  for (const node of nodes) {
    await node.start();
    onTestFinished(() => node.stop());
  }
  const alice = principalIn(await identity.authenticate(bearer(await signHs({ selvage: { read: ['news'] } }))));
  const issue = async (node: Tickets): Promise<string> => {
    const issued = await node.issue(alice, { channels: ['news'], origin: null });
    return issued.kind === 'ticket' ? issued.ticket : '';
  };
  const [one, two] = nodes;
  const before = await issue(one);
  writeFileSync(path, newSecret);
  const restarted = makeTickets();
  await restarted.start();
  onTestFinished(() => restarted.stop());
  const after = await issue(restarted);
  expect(after.split('.')[0]).not.toBe(before.split('.')[0]);
  expect(codeOf(await two.open(after, request()))).toBe('principal');
  expect(codeOf(await two.open(before, request()))).toBe('principal');
});
