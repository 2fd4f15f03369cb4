import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';

const keyId = 'drill';

/** An issuer: it signs tokens, and serves its key set until it is taken away. */
export class KeyServer {
  readonly #pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #server: Server;
  #port = 0;

  private constructor() {
    const jwk = { ...this.#pair.publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'ES256', use: 'sig' };
    this.#server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  }

  static async start(): Promise<KeyServer> {
    const server = new KeyServer();
    await server.comeBack();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/keys`;
  }

  /** On the port that it had. */
  async comeBack(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async goAway(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A token that reads everything, for an hour. */
  sign(subject: string): Promise<string> {
    return new SignJWT({ selvage: { read: ['**'], publish: [] } })
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(this.#pair.privateKey);
  }
}
