import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from '../../config/config.js';
import { reasonOf } from '../command-context.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

const dayMs = 86_400_000;
/** Time enough for somebody to mend what should have renewed it. */
const warnDays = 21;

interface CertificateFile {
  readonly option: string;
  readonly path: string;
  readonly keyPath: string | null;
}

/** The certificates that the configuration names: readable, in time, and fitting their keys. */
export async function examineCertificates({ tls, kafka, redis }: Config): Promise<readonly Finding[]> {
  const file = (option: string, path: string | null, keyPath: string | null = null): readonly CertificateFile[] =>
    path === null ? [] : [{ option, path, keyPath }];
  const files = [
    ...file('tls.certFile', tls.certFile, tls.keyFile),
    ...file('kafka.tls.caFile', kafka.tls.caFile),
    ...file('kafka.tls.certFile', kafka.tls.certFile, kafka.tls.keyFile),
    ...file('redis.tls.caFile', redis.tls.caFile),
    ...file('redis.tls.certFile', redis.tls.certFile, redis.tls.keyFile),
  ];
  if (files.length === 0) return [ok('no certificate files are configured')];
  return files.flatMap(examineFile);
}

function examineFile({ option, path, keyPath }: CertificateFile): readonly Finding[] {
  let certificates: readonly X509Certificate[];
  try {
    const blocks = readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) return [fail(`${option}: ${path} holds no certificate`, 'put a PEM certificate there')];
    certificates = blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    return [fail(`${option} cannot be read: ${reasonOf(error)}`, 'see that the file is mounted, and readable by the user of the process')];
  }
  const findings =
    certificates.length > 8 ? [examineMany(option, certificates)] : certificates.map((one) => examineCertificate(option, one));
  const [own] = certificates;
  if (keyPath === null || own === undefined) return findings;
  try {
    if (own.checkPrivateKey(createPrivateKey(readFileSync(keyPath)))) return findings;
    return [...findings, fail(`${option}: the key ${keyPath} is not that of the certificate`, 'put the pair there that belongs together')];
  } catch (error) {
    return [
      ...findings,
      fail(
        `${option}: the key cannot be read: ${reasonOf(error)}`,
        'see that the file is mounted, and readable by the user of the process',
      ),
    ];
  }
}

/** A bundle of authorities: some of them are always old. */
function examineMany(option: string, certificates: readonly X509Certificate[]): Finding {
  const valid = certificates.filter(({ validTo }) => Date.parse(validTo) > Date.now()).length;
  return valid > 0
    ? ok(`${option}: ${valid} authorities`)
    : fail(`${option}: every one of ${certificates.length} authorities has expired`, 'renew the bundle');
}

/** How long a certificate still lives. */
export function examineCertificate(whose: string, { subject, validFrom, validTo }: X509Certificate): Finding {
  const name = /CN=([^\n]+)/.exec(subject)?.[1] ?? subject.replaceAll('\n', ', ');
  const days = Math.floor((Date.parse(validTo) - Date.now()) / dayMs);
  const until = `${name}, until ${new Date(validTo).toISOString().slice(0, 10)}`;
  if (Date.parse(validFrom) > Date.now())
    return fail(`${whose}: the certificate is not valid yet (${until})`, "see whether this machine's clock is right");
  if (days < 0) return fail(`${whose}: the certificate has expired (${until})`, 'renew it; nodes take a new file up without a restart');
  if (days < warnDays) return warn(`${whose}: the certificate expires in ${days} days (${until})`, 'see why it was not renewed');
  return ok(`${whose}: certificate of ${until}`);
}
