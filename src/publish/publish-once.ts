import { randomUUID } from 'node:crypto';
import { waitMs } from '../std/wait.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import { fingerprintOf, readIdempotencyKey, scopedKey } from './idempotency-key.js';
import type { IdempotencyBegin, IdempotencyStore } from './idempotency-store.js';
import type { PublishAnswer, PublishRefusal, PublishRequest } from './publisher.js';

/** The store is told how a request ended so many times, this far apart, when it does not answer. */
const tellsMax = 10;
const tellEveryMs = 1_000;

export interface PublishOnceParts {
  /** null: keys are refused. */
  readonly store: IdempotencyStore | null;
  readonly environment: Environment;
  readonly logger: Logger;
}

/** An answer, and whether anything of the request is or may be in the log. */
export interface Published {
  readonly answer: PublishAnswer;
  readonly leftTraces: boolean;
}

/**
 * Publishes once for each idempotency key. The key is taken before anything is appended, and given back only when nothing was: whatever dies in
 * between leaves it taken, and a repetition is told that the outcome is not known, instead of being appended a second time.
 */
export class PublishOnce {
  readonly #parts: PublishOnceParts;

  constructor(parts: PublishOnceParts) {
    this.#parts = parts;
  }

  async run(request: PublishRequest, publish: () => Promise<Published>): Promise<PublishAnswer> {
    const read = readIdempotencyKey(request.headers);
    if (read.kind === 'none') return (await publish()).answer;
    if (read.kind === 'malformed')
      return refuse({ code: 'malformed-request', detail: 'Idempotency-Key must be a token or a quoted string of 1 to 255 characters.' });
    const { store } = this.#parts;
    if (store === null) return refuse(storeAway);
    const key = scopedKey(read.key, request);
    const owner = randomUUID();
    let begin: IdempotencyBegin;
    try {
      begin = await store.begin(key, fingerprintOf(request), owner);
    } catch (error) {
      this.#parts.logger.warn('an idempotency key could not be looked up', { error });
      // The store may have heard it all the same.
      void this.#tell(() => store.abandon(key, owner));
      return refuse(storeAway);
    }
    return begin.kind === 'new' ? this.#runNew(store, key, owner, publish) : answerFrom(begin);
  }

  async #runNew(store: IdempotencyStore, key: string, owner: string, publish: () => Promise<Published>): Promise<PublishAnswer> {
    let isOver = false;
    try {
      const { answer, leftTraces } = await publish();
      isOver = true;
      const tell = leftTraces ? () => store.complete(key, owner, JSON.stringify(answer)) : () => store.abandon(key, owner);
      // The answer is true whether or not the store hears of it; but a repetition that follows at once should find it.
      await tell().catch(() => void this.#tell(tell));
      return answer;
    } finally {
      if (!isOver) this.#parts.logger.warn('a publish with an idempotency key ended without an outcome; its repetition is told so');
    }
  }

  async #tell(tell: () => Promise<void>): Promise<void> {
    for (let told = 0; told < tellsMax; told++) {
      await waitMs(this.#parts.environment.timers, tellEveryMs);
      const isHeard = await tell().then(
        () => true,
        () => false,
      );
      if (isHeard) return;
    }
    this.#parts.logger.warn('the store did not hear how a publish with an idempotency key ended');
  }
}

const storeAway: PublishRefusal = {
  code: 'store-unavailable',
  detail: 'Idempotency keys cannot be looked up now; nothing was published.',
  retryAfterSeconds: 2,
};

const refuse = (refusal: PublishRefusal): PublishAnswer => ({ kind: 'refused', refusal, isReplay: false });

function answerFrom(begin: Exclude<IdempotencyBegin, { kind: 'new' }>): PublishAnswer {
  switch (begin.kind) {
    case 'answered':
      return { ...(JSON.parse(begin.answer) as PublishAnswer), isReplay: true };
    case 'in-flight':
      return refuse({ code: 'key-in-flight', detail: 'A request with this Idempotency-Key is under way.', retryAfterSeconds: 1 });
    case 'mismatch':
      return refuse({ code: 'key-reused', detail: 'This Idempotency-Key was used for another body.' });
    case 'unknown':
      return refuse({
        code: 'outcome-unknown',
        detail: 'A request with this Idempotency-Key ended without saying whether its events are in the log. Nothing was published now.',
      });
  }
}
