import type { CloseReason } from '../protocol/close-catalogue.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';

export interface AccessLogOptions {
  /** Share of what ended well that gets a line. Default 0.01. */
  readonly sampleRate: number;
  /** Most lines a second about what did not end well; those left out are counted in the next. Default 10. */
  readonly refusalsPerSecondMax: number;
}

/** Whose line it is. */
export interface LineSubject {
  readonly requestId?: string;
  /** The peer's. */
  readonly address: string;
  /** Name of the route; from a closed set. */
  readonly route: string;
}

/** How a stream went. */
export interface StreamEnd {
  readonly reason: CloseReason;
  readonly durationMs: number;
  readonly bytes: number;
  readonly events?: number;
  readonly streamId?: string;
  /** The deepest tier that its resume was read from. */
  readonly resumedFrom?: string;
}

/** How a request that was no stream was answered. */
export interface AnsweredRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly code: ErrorCode | null;
  readonly durationMs: number;
}

const badEnds: ReadonlySet<CloseReason> = new Set(['slow-reader', 'peer-stalled', 'overloaded', 'not-ready', 'revoked']);
const pathCharactersMax = 128;
const methodCharactersMax = 16;

/**
 * One line a connection's or request's end. What ended well is sampled, the rest is always told but in a bounded number of lines a second. No
 * query and no header is ever written: they hold tokens and names of channels. Values are fields of JSON, so nothing in them ends a line.
 */
export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #environment: Environment;
  readonly #logger: Logger;
  #secondStartMs = -Infinity;
  #linesThisSecond = 0;
  #leftOut = 0;

  constructor(options: AccessLogOptions, environment: Environment, logger: Logger) {
    this.#options = options;
    this.#environment = environment;
    this.#logger = logger;
  }

  streamEnded(subject: LineSubject, end: StreamEnd): void {
    if (badEnds.has(end.reason)) this.#writeCapped('a stream ended badly', { ...subject, ...end });
    else if (this.#isSampled()) this.#logger.info('a stream ended', { ...subject, ...end });
  }

  answered(subject: LineSubject, { method, path, status, code, durationMs }: AnsweredRequest): void {
    const fields = { ...subject, method: method.slice(0, methodCharactersMax), status, durationMs };
    if (code !== null || status >= 400) {
      this.#writeCapped('a request was refused', { ...fields, path: path.slice(0, pathCharactersMax), ...(code === null ? {} : { code }) });
    } else if (this.#isSampled()) this.#logger.info('a request was answered', fields);
  }

  /** Connections that were cut before they asked for anything: one more than may be open. */
  socketCut(openSockets: number): void {
    this.#writeCapped('a connection was cut: too many are open', { openSockets });
  }

  #isSampled(): boolean {
    const { sampleRate } = this.#options;
    return sampleRate >= 1 || (sampleRate > 0 && this.#environment.random() < sampleRate);
  }

  #writeCapped(message: string, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = this.#environment.clock.tickMs();
    if (nowMs - this.#secondStartMs >= 1_000) {
      this.#secondStartMs = nowMs;
      this.#linesThisSecond = 0;
    }
    if (this.#linesThisSecond >= this.#options.refusalsPerSecondMax) {
      this.#leftOut++;
      return;
    }
    this.#linesThisSecond++;
    this.#logger.info(message, this.#leftOut === 0 ? fields : { ...fields, leftOutBefore: this.#leftOut });
    this.#leftOut = 0;
  }
}
