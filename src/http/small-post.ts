import type { Principal } from '../admission/principal.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { HeaderList } from './cors.js';
import { createPost } from './create-post.js';
import type { PostContext } from './create-post.js';
import type { Exchange, WholeAnswer } from './exchange.js';
import type { Problem } from './problem.js';

/** What a small POST is answered with: JSON of that status (null: no body), or a problem. */
export type SmallAnswer = { readonly status: number; readonly value: object | null; readonly headers?: HeaderList } | Problem;

const bodyBytesMax = 16_384;
const pendingMax = 1_000;
const rules = {
  bounds: { bodyBytesMax, bodyTimeoutMs: 5_000 },
  pendingMax,
  heldBytesMax: pendingMax * bodyBytesMax,
  failure: 'The request could not be served.',
};
const jsonType = /^application\/json *(;|$)/i;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A handler of small JSON bodies: who asks, then the body, then `answer`. All of it bounded. */
export function createSmallPost(
  context: PostContext,
  name: string,
  answer: (exchange: Exchange, principal: Principal, body: Uint8Array) => Promise<SmallAnswer> | SmallAnswer,
): (exchange: Exchange) => void {
  return createPost(context, { ...rules, name }, async (exchange, principal, body) => {
    const answered = await answer(exchange, principal, body);
    if ('code' in answered) exchange.refuse(answered);
    else exchange.answer(answerOf(answered));
  });
}

function answerOf({ status, value, headers = [] }: Exclude<SmallAnswer, Problem>): WholeAnswer {
  return value === null ? { status, headers } : { status, headers, contentType: 'application/json', body: JSON.stringify(value) };
}

export type JsonFields = Readonly<Record<string, unknown>>;
export type JsonBody = { readonly kind: 'fields'; readonly fields: JsonFields } | { readonly kind: 'problem'; readonly problem: Problem };

/** The fields of a JSON object, or what is wrong with the body. */
export function parseJsonObject(exchange: Exchange, body: Uint8Array): JsonBody {
  const wrong = (code: ErrorCode, detail: string): JsonBody => ({ kind: 'problem', problem: { code, detail } });
  if (!jsonType.test(exchange.request.headers.get('content-type') ?? '')) {
    return wrong('unsupported-media-type', 'The body must be application/json.');
  }
  try {
    const root: unknown = JSON.parse(decoder.decode(body));
    if (typeof root === 'object' && root !== null && !Array.isArray(root)) return { kind: 'fields', fields: root as JsonFields };
  } catch {
    return wrong('malformed-request', 'The body is not JSON in UTF-8.');
  }
  return wrong('malformed-request', 'The body must be an object.');
}
