import { reasonOf } from '../command-context.js';
import type { Remote } from '../remote.js';
import { readRefusal, retryAfterMs } from '../remote.js';
import { escapeText } from '../escape-text.js';

export type PublishResult =
  | { readonly kind: 'in-log'; readonly position: string; readonly partition: number; readonly offset: string }
  | { readonly kind: 'failed'; readonly code: string; readonly sentence: string };

export type PublishAnswer =
  | { readonly kind: 'results'; readonly results: readonly PublishResult[]; readonly isReplayed: boolean }
  /** `isFree`: nothing of it is in the log, and it may be asked again. */
  | {
      readonly kind: 'refused';
      readonly code: string | null;
      readonly sentence: string;
      readonly isFree: boolean;
      readonly retryMs: number | null;
    };

/** Longer than a node may take for an append (30 s, and the answer's 10 s). */
const answerMsMax = 60_000;
/** Nothing is in the log, and it may be there the next time. */
const freeCodes = [
  'log-unavailable',
  'rate-limited',
  'overloaded',
  'not-ready',
  'identity-unavailable',
  'store-unavailable',
  'key-in-flight',
];

/** Publishes events, already as objects or as JSON text; one request. Never rejects but for a token that cannot be read. */
export async function postEvents(
  remote: Remote,
  events: readonly (Readonly<Record<string, unknown>> | string)[],
  idempotencyKey: string | null,
): Promise<PublishAnswer> {
  const body = `{"events":[${events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event))).join(',')}]}`;
  const headers = {
    ...remote.headers(),
    'Content-Type': 'application/json',
    ...(idempotencyKey === null ? {} : { 'Idempotency-Key': JSON.stringify(idempotencyKey) }),
  };
  let response: Response;
  try {
    response = await fetch(`${remote.baseUrl}/v1/publish`, { method: 'POST', body, headers, signal: AbortSignal.timeout(answerMsMax) });
  } catch (error) {
    const sentence = `${remote.baseUrl} did not answer: ${escapeText(reasonOf(error))}; it is not known whether it is in the log`;
    return { kind: 'refused', code: null, sentence, isFree: false, retryMs: null };
  }
  if (response.status !== 200 && response.status !== 207) {
    const { code, sentence } = await readRefusal(response);
    return { kind: 'refused', code, sentence, isFree: code !== null && freeCodes.includes(code), retryMs: retryAfterMs(response) };
  }
  const results = readResults(await response.json().catch(() => null), events.length);
  if (results === null) {
    return { kind: 'refused', code: null, sentence: 'the answer is not that of a node: is --url right?', isFree: false, retryMs: null };
  }
  return { kind: 'results', results, isReplayed: response.headers.get('idempotent-replayed') === 'true' };
}

function readResults(answer: unknown, countMin: number): readonly PublishResult[] | null {
  const { results } = (answer ?? {}) as { readonly results?: unknown };
  if (!Array.isArray(results) || results.length !== countMin) return null;
  return results.map((one: Readonly<Record<string, unknown>>): PublishResult => {
    const { position, partition, offset, error } = one;
    if (typeof position === 'string') return { kind: 'in-log', position, partition: Number(partition), offset: String(offset) };
    const { code, detail } = (error ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
    return { kind: 'failed', code: String(code), sentence: `${escapeText(String(code))}: ${escapeText(String(detail))}` };
  });
}
