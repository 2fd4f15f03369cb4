import type { Remote } from '../remote.js';
import { readRefusal, retryAfterMs } from '../remote.js';
import { escapeText } from '../escape-text.js';
import { reasonOf } from '../command-context.js';
import { SseParser } from './sse-parser.js';
import type { SseEvent } from './sse-parser.js';

/** What one connection brings. */
export type StreamNews =
  { readonly kind: 'open' } | { readonly kind: 'event'; readonly event: SseEvent } | { readonly kind: 'retry'; readonly retryMs: number };

/** How one connection ended. `gone`: 204, nothing more will ever come. `refused`: coming back would not help. */
export type StreamEnd =
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly sentence: string }
  | { readonly kind: 'later'; readonly sentence: string; readonly retryMs: number | null }
  | { readonly kind: 'unreachable'; readonly sentence: string }
  | { readonly kind: 'cut'; readonly sentence: string };

export interface StreamRequest {
  readonly remote: Remote;
  /** Path with query, behind the base URL. */
  readonly address: string;
  readonly lastEventId: string | null;
  /** Dead after so long without a byte, ms. */
  readonly silenceMs: number;
  readonly stop: AbortSignal;
}

/** Opens a stream and reads it to its end. Yields what comes, returns how it ended; only a token that cannot be read makes it throw. */
export async function* readStream(request: StreamRequest): AsyncGenerator<StreamNews, StreamEnd> {
  const { remote, address, lastEventId, silenceMs, stop } = request;
  const headers = { ...remote.headers(), Accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }) };
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMs);
  const wasSilent = (): boolean => silence.signal.aborted && !stop.aborted;
  try {
    let response: Response;
    try {
      response = await fetch(remote.baseUrl + address, { headers, signal: AbortSignal.any([stop, silence.signal]) });
    } catch (error) {
      const why = wasSilent() ? `no answer within ${silenceMs / 1_000} s` : escapeText(reasonOf(error));
      return { kind: 'unreachable', sentence: `${remote.baseUrl} cannot be reached: ${why}` };
    }
    const ended = await judgeHead(response);
    if (ended !== null) return ended;
    yield { kind: 'open' };
    const news: StreamNews[] = [];
    const parser = new SseParser({
      onEvent: (event) => news.push({ kind: 'event', event }),
      onRetry: (retryMs) => news.push({ kind: 'retry', retryMs }),
    });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        clearTimeout(timer);
        parser.push(decoder.decode(chunk, { stream: true }));
        for (const one of news.splice(0)) yield one;
        timer = setTimeout(() => silence.abort(), silenceMs);
      }
    } catch (error) {
      if (error instanceof RangeError) return { kind: 'refused', sentence: error.message };
      return {
        kind: 'cut',
        sentence: wasSilent() ? `nothing came for ${silenceMs / 1_000} s` : `the connection broke (${escapeText(reasonOf(error))})`,
      };
    }
    return { kind: 'cut', sentence: 'the connection ended' };
  } finally {
    clearTimeout(timer);
    // Frees the connection when the caller has had enough.
    silence.abort();
  }
}

async function judgeHead(response: Response): Promise<StreamEnd | null> {
  if (response.status === 204) return { kind: 'gone' };
  if (response.status !== 200) {
    const { status, sentence } = await readRefusal(response);
    // What stands in front answers 502 and 504 while nodes change; ours are 429 and 503.
    if (status === 429 || status >= 500) return { kind: 'later', sentence, retryMs: retryAfterMs(response) };
    return { kind: 'refused', sentence };
  }
  const type = response.headers.get('content-type') ?? '';
  if (/^text\/event-stream\b/i.test(type) && response.body !== null) return null;
  return {
    kind: 'refused',
    sentence: `the answer is ${escapeText(type) || 'of no type'}, not an event stream: is --url the address of a node?`,
  };
}
