import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const audience = 'kafka';

/** In seconds. */
interface Claims {
  readonly scope: string;
  readonly iat: number;
  readonly exp: number;
}

const lifetimeSeconds = 300;

/** A token endpoint for client credentials (RFC 6749 §4.4) with one client. The scope `seconds:<n>` gets tokens of that lifetime. */
export class TokenEndpoint {
  readonly clientId = 'oauth-client';
  readonly clientSecret = 'oauth-client-secret-91';
  /** Text of the JWKS that its tokens can be verified with. */
  readonly jwks: string;
  /** Tokens given out. */
  readonly tokens: string[] = [];
  refusedCount = 0;
  readonly #key: KeyObject;
  readonly #server: Server;

  private constructor(key: KeyObject, jwks: string) {
    this.#key = key;
    this.jwks = jwks;
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
  }

  static async start(): Promise<TokenEndpoint> {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' };
    const endpoint = new TokenEndpoint(privateKey, JSON.stringify({ keys: [jwk] }));
    await new Promise<void>((resolve) => endpoint.#server.listen(0, '127.0.0.1', resolve));
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  /** Gives the claims of the tokens so far with this scope, in order. */
  claimsOf(scope: string): () => readonly Claims[] {
    return () => this.tokens.map(read).filter((claims) => claims.scope === scope);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const basic = Buffer.from(`${this.clientId}:${this.clientSecret}`).toString('base64');
    if (request.headers.authorization !== `Basic ${basic}`) {
      this.refusedCount++;
      return { status: 401, body: { error: 'invalid_client' } };
    }
    if (form.get('grant_type') !== 'client_credentials') return { status: 400, body: { error: 'unsupported_grant_type' } };
    const scope = form.get('scope') ?? '';
    const seconds = scope.startsWith('seconds:') ? Number(scope.slice('seconds:'.length)) : lifetimeSeconds;
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const claims = { sub: 'oauth-user', aud: audience, scope, jti: String(this.tokens.length), iat: nowSeconds, exp: nowSeconds + seconds };
    const token = signed(claims, this.#key);
    this.tokens.push(token);
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: seconds } };
  }
}

/** A JWT by RS256. */
function signed(claims: object, key: KeyObject): string {
  const [head, body] = [{ alg: 'RS256', kid: 'one', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const content = `${head}.${body}`;
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
}

function read(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
}
