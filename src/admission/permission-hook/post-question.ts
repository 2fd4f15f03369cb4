import type { HookAnswer } from './hook-memory.js';

/** The other side did not say what may be done. The message is for the log and holds no secret. */
export class HookError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HookError';
  }
}

const answerBytesMax = 65_536;

/**
 * Asks once. By the platform's `fetch`: it keeps connections open, refuses redirects, and one signal bounds connecting, waiting and reading. Only
 * 200 with `{"allow": true}` is a yes; what cannot be read is no answer. Rejects with a `HookError`.
 */
export async function postQuestion(url: string, body: string, secret: string | null, signal: AbortSignal): Promise<HookAnswer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal,
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        ...(secret === null ? {} : { Authorization: `Bearer ${secret}` }),
      },
      body,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new HookError(`it answered ${response.status}`);
    }
    return readAnswer(await readBounded(response));
  } catch (error) {
    if (error instanceof HookError) throw error;
    throw new HookError(signal.aborted ? 'it did not answer in time' : `it cannot be reached (${codeOf(error)})`);
  }
}

async function readBounded(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    byteCount += chunk.length;
    if (byteCount > answerBytesMax) throw new HookError(`its answer has more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readAnswer(text: string): HookAnswer {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new HookError('its answer is not JSON');
  }
  const { allow, unknown } = (typeof answer === 'object' && answer !== null ? answer : {}) as { allow?: unknown; unknown?: unknown };
  if (typeof allow !== 'boolean') throw new HookError('its answer has no allow that is true or false');
  if (allow) return 'allowed';
  return unknown === true ? 'unknown' : 'forbidden';
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'no connection';
}
