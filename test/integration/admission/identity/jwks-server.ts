import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import { usualClaims } from '../../../unit/admission/identity/identity-fixture.js';
import type { ClaimSet } from '../../../unit/admission/identity/identity-fixture.js';

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly jwk: Record<string, unknown>;
}

export function newKey(kid: string, kind: 'rsa' | 'ec' | 'ed25519' = 'ec'): SigningKey {
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
      : kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  const alg = { rsa: 'RS256', ec: 'ES256', ed25519: 'EdDSA' }[kind];
  return { kid, alg, privateKey: pair.privateKey, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

export const signWith = (key: SigningKey, claims: ClaimSet = {}, header: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT({ ...usualClaims, ...claims }).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);

/** A real server of a key set, whose answers the test chooses. */
export class JwksServer {
  requests = 0;
  /** What is answered; by default the keys. */
  answer: (response: ServerResponse) => void = (response) => response.end(JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) }));
  keys: readonly SigningKey[];
  #server: Server;
  #port = 0;

  private constructor(keys: readonly SigningKey[]) {
    this.keys = keys;
    this.#server = createServer((_, response) => {
      this.requests += 1;
      this.answer(response);
    });
  }

  static async start(keys: readonly SigningKey[]): Promise<JwksServer> {
    const server = new JwksServer(keys);
    await server.start();
    onTestFinished(() => server.stop());
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/keys`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
