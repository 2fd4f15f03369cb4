import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { AdmissionRefusal } from '../authenticator.js';
import { Gate } from '../identity/gate.js';
import type { ResolvedStream } from '../named-streams/resolve-named-stream.js';
import type { Principal } from '../principal.js';
import { HookBreaker } from './hook-breaker.js';
import { HookMemory, type HookAnswer } from './hook-memory.js';
import { askAbout, type HookQuestion } from './hook-question.js';
import { HookError, postQuestion } from './post-question.js';

export interface PermissionHookOptions {
  readonly url: string;
  /** An answer that is not whole by then, waiting for a turn included, is none. Default 2000. */
  readonly timeoutMs: number;
  /** How long a yes is remembered; 0: not at all. Default 30,000. */
  readonly allowMs: number;
  /** How long a no, and an unknown, is remembered. Default 5000. */
  readonly denyMs: number;
  /** Answers remembered. Default 50,000. */
  readonly rememberedMax: number;
  /** Questions under way at a time. Default 32. */
  readonly concurrentMax: number;
  /** Questions that may wait for a turn. Default 1000. */
  readonly queuedMax: number;
  /** Failures in a row after which it is left alone for a while. Default 5. */
  readonly failuresMax: number;
}

export interface PermissionHookParts {
  readonly options: PermissionHookOptions;
  /** Read for each question, so that it may change while the program runs; null: none is sent. */
  readonly readSecret: () => string | null;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Asks an application whether somebody may read a stream, for what a token cannot carry. The same question is asked once at a time, and its answer
 * remembered. Fails closed: without an answer nobody is let in, but everybody may come back.
 */
export class PermissionHook {
  readonly #parts: PermissionHookParts;
  readonly #memory: HookMemory;
  readonly #breaker: HookBreaker;
  readonly #gate: Gate;
  readonly #underWay = new Map<string, Promise<HookAnswer | AdmissionRefusal>>();

  constructor(parts: PermissionHookParts) {
    const { options, environment } = parts;
    this.#parts = parts;
    this.#memory = new HookMemory(options, environment.clock);
    this.#breaker = new HookBreaker(options.failuresMax, environment);
    this.#gate = new Gate(options.concurrentMax, options.queuedMax);
  }

  /** At once for what is remembered. Never rejects: what cannot be told is a refusal for now. */
  ask(
    stream: Pick<ResolvedStream, 'stream' | 'channels'>,
    principal: Principal,
    pathParameters: Readonly<Record<string, string>>,
  ): HookAnswer | AdmissionRefusal | Promise<HookAnswer | AdmissionRefusal> {
    const { metrics } = this.#parts;
    const question = askAbout(stream, principal, pathParameters);
    const remembered = this.#memory.recall(question.key);
    const asked = this.#underWay.get(question.key);
    const known = remembered ?? asked;
    if (known !== undefined) {
      metrics.permissionAsked(remembered === null ? 'shared' : 'remembered');
      return known;
    }
    const { pauseMs } = this.#breaker;
    if (pauseMs > 0) return this.#refuse('Permissions cannot be asked at the moment.', pauseMs);
    const deadline = this.#startDeadline();
    const answered = this.#gate.run(() => this.#answer(question, deadline.signal));
    if (answered === undefined) {
      deadline.cancel();
      return this.#refuse('Too many permissions are being asked.', 1_000);
    }
    const settled = answered.finally(() => {
      deadline.cancel();
      this.#underWay.delete(question.key);
    });
    this.#underWay.set(question.key, settled);
    return settled;
  }

  #startDeadline(): { readonly signal: AbortSignal; cancel(): void } {
    const { environment, options } = this.#parts;
    const abort = new AbortController();
    const timer = environment.timers.after(options.timeoutMs, () => abort.abort());
    return { signal: abort.signal, cancel: () => timer.cancel() };
  }

  async #answer(question: HookQuestion, signal: AbortSignal): Promise<HookAnswer | AdmissionRefusal> {
    // Its turn came too late, or it was found out meanwhile that there is nobody.
    if (signal.aborted) return this.#refuse('Permissions could not be asked in time.', 1_000);
    const { pauseMs } = this.#breaker;
    if (pauseMs > 0) return this.#refuse('Permissions cannot be asked at the moment.', pauseMs);
    const { options, readSecret, environment, metrics } = this.#parts;
    this.#breaker.asking();
    const startedTickMs = environment.clock.tickMs();
    try {
      const answer = await postQuestion(options.url, question.body, readSecret(), signal);
      metrics.permissionAsked(answer);
      this.#breaker.succeeded();
      this.#memory.remember(question.key, answer);
      return answer;
    } catch (error) {
      const reason = error instanceof HookError ? error.message : 'its secret cannot be read';
      if (this.#breaker.failed()) this.#parts.logger.warn('the permission hook fails and is left alone for a while', { reason });
      return this.#refuse('Permissions cannot be asked at the moment.', 1_000);
    } finally {
      metrics.permissionAnswered((environment.clock.tickMs() - startedTickMs) / 1_000);
    }
  }

  #refuse(detail: string, afterMs: number): AdmissionRefusal {
    this.#parts.metrics.permissionAsked('unavailable');
    return { code: 'permission-unavailable', detail, retryAfterSeconds: Math.ceil(afterMs / 1_000) };
  }
}
