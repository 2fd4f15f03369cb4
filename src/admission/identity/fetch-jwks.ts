import type { Environment } from '../../std/clock.js';
import { KeyError, readJwks } from './verification-key.js';
import type { VerificationKey } from './verification-key.js';

/** Fetches a key set. Redirects are refused, time and bytes are bounded. Rejects with a `KeyError` whose message names no secret. */
export async function fetchJwks(
  url: string,
  limits: { readonly jwksTimeoutMs: number; readonly jwksBytesMax: number },
  { timers }: Environment,
): Promise<readonly VerificationKey[]> {
  const abort = new AbortController();
  let isLate = false;
  const timer = timers.after(limits.jwksTimeoutMs, () => {
    isLate = true;
    abort.abort();
  });
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: abort.signal,
      headers: { Accept: 'application/jwk-set+json, application/json' },
    });
    if (response.status !== 200) throw new KeyError(`the server of the keys answered ${response.status}`);
    return readJwks(await readBounded(response, limits.jwksBytesMax));
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError(isLate ? `the server of the keys did not answer within ${limits.jwksTimeoutMs} ms` : causeOf(error));
  } finally {
    timer.cancel();
    abort.abort();
  }
}

async function readBounded(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  const body: AsyncIterable<Uint8Array> = response.body ?? emptyBody();
  for await (const chunk of body) {
    byteCount += chunk.length;
    if (byteCount > bytesMax) throw new KeyError(`the server of the keys sent more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {
  // A body may be absent; then the text is empty, and no key set.
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no connection';
  return `the server of the keys cannot be reached (${code})`;
}
