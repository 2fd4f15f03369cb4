import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** An authority of this test's own, in `folder`. */
export class Authority {
  readonly cert: string;
  readonly #folder: string;
  readonly #name: string;
  #signedCount = 0;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    this.cert = join(folder, `${name}.pem`);
    this.#openssl('req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2');
  }

  /** A certificate for `CN=<name>`, good for 127.0.0.1 too, in files of its own. */
  sign(name: string): Certificate {
    const file = `${this.#name}-${++this.#signedCount}`;
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    this.#openssl('req', ...newKey, '-keyout', `${file}.key`, '-out', `${file}.csr`, ...subject);
    const signer = ['-CA', `${this.#name}.pem`, '-CAkey', `${this.#name}.key`, '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy'];
    this.#openssl('x509', '-req', '-in', `${file}.csr`, '-out', `${file}.pem`, ...signer);
    return { cert: join(this.#folder, `${file}.pem`), key: join(this.#folder, `${file}.key`) };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'ignore' });
  }
}

/** Key and certificate in one file, as Kafka's PEM key store wants them; its path. */
export function bundle({ cert, key }: Certificate): string {
  const path = `${cert}.bundle`;
  writeFileSync(path, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'));
  return path;
}

/** Puts one certificate where another was, as a renewal does. */
export function renew(from: Certificate, to: Certificate): void {
  cpSync(from.key, to.key);
  cpSync(from.cert, to.cert);
}
