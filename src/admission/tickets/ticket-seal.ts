import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import type { Clock } from '../../std/clock.js';
import type { KeySource } from '../identity/key-source.js';
import type { VerificationKey } from '../identity/verification-key.js';

const keyBytes = 32;
/** Of a key's id, as `kid`: enough to tell the few keys of a deployment apart. */
const kidLength = 8;
/** Old and new ones of a rotation. */
const derivedMax = 16;

/**
 * Seals tickets: encrypted and signed at once (JWE compact, `dir` and A256GCM), with keys derived from a secret that all nodes share. The
 * secret may be replaced while running: the newest seals, those of the overlap still open.
 */
export class TicketSeal {
  readonly #keys: KeySource;
  readonly #clock: Clock;
  readonly #derived = new Map<string, Uint8Array>();

  constructor(keys: KeySource, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  async seal(text: string): Promise<string> {
    const [key] = this.#keys.ring.current;
    if (key === undefined) throw new Error('there is no key to seal tickets with');
    return new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: kidOf(key) })
      .encrypt(this.#derive(key));
  }

  /** The text; null for what no key of now has sealed. */
  async open(sealed: string): Promise<string | null> {
    const kid = readKid(sealed);
    if (kid === null) return null;
    let key = this.#find(kid);
    if (key === undefined) {
      // Another node may have read the new secret a moment earlier.
      await this.#keys.refresh();
      key = this.#find(kid);
    }
    if (key === undefined) return null;
    try {
      const { plaintext } = await compactDecrypt(sealed, this.#derive(key), {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return new TextDecoder().decode(plaintext);
    } catch {
      return null;
    }
  }

  #find(kid: string): VerificationKey | undefined {
    return this.#keys.ring.find('HS256', null, this.#clock.tickMs()).find((key) => kidOf(key) === kid);
  }

  #derive(key: VerificationKey): Uint8Array {
    let derived = this.#derived.get(key.id);
    if (derived === undefined) {
      derived = new Uint8Array(hkdfSync('sha256', key.key.export(), 'selvage', 'ticket', keyBytes));
      if (this.#derived.size >= derivedMax) this.#derived.clear();
      this.#derived.set(key.id, derived);
    }
    return derived;
  }
}

const kidOf = (key: VerificationKey): string => key.id.slice(0, kidLength);

function readKid(sealed: string): string | null {
  try {
    const { kid } = decodeProtectedHeader(sealed);
    return typeof kid === 'string' ? kid : null;
  } catch {
    return null;
  }
}
