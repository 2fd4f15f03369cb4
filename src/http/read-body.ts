import type { Timers } from '../std/clock.js';
import type { Exchange } from './exchange.js';
import type { Problem } from './problem.js';
import { announcedBytes, discardBytesMax, discardMs } from './unread-body.js';

export interface BodyBounds {
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
}

export type BodyResult =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'gone' };

/** Bytes of bodies that a server holds at a time, over all requests: a crowd of half-sent bodies must not fill the memory. */
export class BodyBudget {
  #left: number;

  /** Default 64 MiB. */
  constructor(bytesMax = 64 * 1024 * 1024) {
    this.#left = bytesMax;
  }

  take(byteCount: number): boolean {
    if (byteCount > this.#left) return false;
    this.#left -= byteCount;
    return true;
  }

  giveBack(byteCount: number): void {
    this.#left += byteCount;
  }
}

export interface BodyReading {
  readonly result: Promise<BodyResult>;
  /** Must be called once, when the body is not needed any more; what is still to come is not kept then. */
  release(): void;
}

/** Reads a body whole, at most `bodyBytesMax` and until `bodyTimeoutMs`. Must be called in the handler itself. */
export function readBody(exchange: Exchange, bounds: BodyBounds, timers: Timers, budget: BodyBudget): BodyReading {
  const announced = announcedBytes(exchange.request);
  const isTooLong = Number.isFinite(announced) && announced > bounds.bodyBytesMax;
  // The addon does not tell of the end of an announced empty body when the head came in pieces.
  if (announced === 0) return { result: Promise.resolve({ kind: 'body', bytes: new Uint8Array() }), release: () => undefined };
  if (isTooLong && announced > bounds.bodyBytesMax + discardBytesMax) {
    return { result: Promise.resolve({ kind: 'problem', problem: tooLarge(bounds) }), release: () => undefined };
  }
  let heldCount = 0;
  let settle: (result: BodyResult) => void = () => undefined;
  const result = new Promise<BodyResult>((resolve) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    let isSettled = false;
    settle = (outcome) => {
      if (isSettled) return;
      isSettled = true;
      timer.cancel();
      exchange.onGone(null);
      chunks.length = 0;
      resolve(outcome);
    };
    let isTooLarge = false;
    // The rest of what is too large is awaited, as far as it is bearable, so that the answer is not lost in a reset.
    const discard = (): void => {
      isTooLarge = true;
      chunks.length = 0;
      timer.cancel();
      timer = timers.after(discardMs, () => settle({ kind: 'problem', problem: tooLarge(bounds) }));
    };
    let timer = timers.after(bounds.bodyTimeoutMs, () => settle({ kind: 'problem', problem: tooSlow(bounds) }));
    if (isTooLong) discard();
    exchange.onGone(() => settle({ kind: 'gone' }));
    exchange.onData((chunk, isLast) => {
      if (isSettled) return;
      byteCount += chunk.byteLength;
      if (!isTooLarge && byteCount > bounds.bodyBytesMax) discard();
      if (isTooLarge) {
        if (isLast) settle({ kind: 'problem', problem: { ...tooLarge(bounds), closeConnection: false } });
        else if (byteCount > bounds.bodyBytesMax + discardBytesMax) settle({ kind: 'problem', problem: tooLarge(bounds) });
        return;
      }
      if (!budget.take(chunk.byteLength)) return settle({ kind: 'problem', problem: tooMany });
      heldCount += chunk.byteLength;
      // The chunk's memory is taken back when this returns; `concat` copies, and for all but the last chunk there must be a copy now.
      if (isLast) settle({ kind: 'body', bytes: Buffer.concat([...chunks, Buffer.from(chunk)]) });
      else chunks.push(Buffer.concat([Buffer.from(chunk)]));
    });
  });
  return {
    result,
    release() {
      settle({ kind: 'gone' });
      budget.giveBack(heldCount);
      heldCount = 0;
    },
  };
}

const tooMany: Problem = { code: 'overloaded', detail: 'Too many bodies are being read.', retryAfterSeconds: 1, closeConnection: true };

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
