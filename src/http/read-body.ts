import type { Timers } from '../std/clock.js';
import type { Exchange } from './exchange.js';
import type { Problem } from './problem.js';

export interface BodyBounds {
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
}

export type BodyResult =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'gone' };

/** Reads a body whole, at most `bodyBytesMax` and until `bodyTimeoutMs`. Must be called in the handler itself. */
export function readBody(exchange: Exchange, bounds: BodyBounds, timers: Timers): Promise<BodyResult> {
  const announced = Number(exchange.request.headers.get('content-length') ?? 0);
  if (announced > bounds.bodyBytesMax) return Promise.resolve({ kind: 'problem', problem: tooLarge(bounds) });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    let isSettled = false;
    const settle = (result: BodyResult): void => {
      if (isSettled) return;
      isSettled = true;
      timer.cancel();
      exchange.onGone(null);
      chunks.length = 0;
      resolve(result);
    };
    const timer = timers.after(bounds.bodyTimeoutMs, () => settle({ kind: 'problem', problem: tooSlow(bounds) }));
    exchange.onGone(() => settle({ kind: 'gone' }));
    exchange.onData((chunk, isLast) => {
      if (isSettled) return;
      byteCount += chunk.byteLength;
      if (byteCount > bounds.bodyBytesMax) return settle({ kind: 'problem', problem: tooLarge(bounds) });
      // The chunk's memory is taken back when this returns; `concat` copies, and for all but the last chunk there must be a copy now.
      if (isLast) settle({ kind: 'body', bytes: Buffer.concat([...chunks, Buffer.from(chunk)]) });
      else chunks.push(Buffer.concat([Buffer.from(chunk)]));
    });
  });
}

function tooLarge(bounds: BodyBounds): Problem {
  return {
    code: 'body-too-large',
    detail: `A body has at most ${bounds.bodyBytesMax} bytes.`,
    limit: bounds.bodyBytesMax,
    closeConnection: true,
  };
}

function tooSlow(bounds: BodyBounds): Problem {
  return {
    code: 'body-timeout',
    detail: `The body was not whole after ${bounds.bodyTimeoutMs} ms.`,
    limit: bounds.bodyTimeoutMs,
    closeConnection: true,
  };
}
