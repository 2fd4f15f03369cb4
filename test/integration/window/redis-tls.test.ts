import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RedisConnection } from '../../../src/redis/redis-connection.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';
import { RedisServer } from '../../platform/redis-server.js';
import { sharedRedis } from '../../platform/shared-services.js';

/** An authority, and a certificate for 127.0.0.1 signed by it, which server and client both show. */
function makeCertificates(): { folder: string; ca: string; cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'selvage-tls-'));
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test-ca', '-days', '2');
  openssl('req', ...key, '-keyout', 'own.key', '-out', 'own.csr', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1');
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy'];
  openssl('x509', '-req', '-in', 'own.csr', '-out', 'own.pem', ...sign);
  return { folder, ca: join(folder, 'ca.pem'), cert: join(folder, 'own.pem'), key: join(folder, 'own.key') };
}

async function freeTlsPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test.skipIf(sharedRedis().isProvided)('TLS with a client certificate and an ACL user gets in; without either it does not', async () => {
  const { folder, ca, cert, key } = makeCertificates();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freeTlsPort();
  const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key];
  const server = await RedisServer.start({ args: ['--tls-port', String(port), ...files, '--user', 'app', 'on', '>pw', '~*', '+@all'] });
  onTestFinished(() => server.close());
  const base = { kind: 'single', nodes: [{ host: '127.0.0.1', port }], username: 'app', password: 'pw' } as const;
  const dial = (options: ConstructorParameters<typeof RedisConnection>[0]): RedisConnection => {
    const redis = new RedisConnection(options, silentLogger, systemEnvironment);
    onTestFinished(() => redis.close());
    return redis;
  };
  const whole = dial({ ...base, tls: { caFile: ca, certFile: cert, keyFile: key } });
  expect(await whole.waitUntilUp(5_000)).toBe(true);
  expect(await whole.command('ACL', 'WHOAMI')).toBe('app');
  const refused = [
    dial({ ...base, tls: { caFile: ca } }),
    dial({ ...base, tls: { certFile: cert, keyFile: key } }),
    dial({ ...base, password: 'wrong', tls: { caFile: ca, certFile: cert, keyFile: key } }),
  ];
  expect(await Promise.all(refused.map((one) => one.waitUntilUp(1_000)))).toEqual([false, false, false]);
});
