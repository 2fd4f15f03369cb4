import { readFile, stat } from 'node:fs/promises';
import type { Environment, Timer } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { KeyRing } from './key-ring.js';
import type { KeySource, KeyTimes, RefreshOutcome } from './key-source.js';
import { KeyError } from './verification-key.js';
import type { VerificationKey } from './verification-key.js';

export interface KeySourceContext {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly times: KeyTimes;
}

/** Larger files hold no keys. */
const fileBytesMax = 1_048_576;
/** Between looks that a token with an unknown key causes. */
const lookMs = 1_000;

/** Keys from files, read again when a file changes (also one behind a link, as Kubernetes mounts secrets). */
export class FileKeys implements KeySource {
  readonly ring = new KeyRing();
  readonly #name: string;
  readonly #paths: readonly string[];
  readonly #parse: (text: string) => readonly VerificationKey[];
  readonly #context: KeySourceContext;
  #seen = '';
  #timer: Timer | null = null;
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<RefreshOutcome> | null = null;

  constructor(name: string, paths: readonly string[], parse: (text: string) => readonly VerificationKey[], context: KeySourceContext) {
    this.#name = name;
    this.#paths = paths;
    this.#parse = parse;
    this.#context = context;
  }

  isUsable(): boolean {
    return this.ring.current.length > 0;
  }

  async start(): Promise<void> {
    const seen = await this.#stamp();
    this.#take(await this.#read());
    this.#seen = seen;
    this.#timer = this.#context.environment.timers.every(this.#context.times.filePollMs, () => void this.#look());
  }

  refresh(): Promise<RefreshOutcome> {
    const { clock } = this.#context.environment;
    if (clock.tickMs() - this.#lastLookMs < lookMs) return this.#looking ?? Promise.resolve('looked');
    return this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): Promise<RefreshOutcome> {
    this.#lastLookMs = this.#context.environment.clock.tickMs();
    this.#looking ??= this.#readWhenChanged().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** What cannot be read leaves the keys as they are: a file is often replaced in two steps. */
  async #readWhenChanged(): Promise<RefreshOutcome> {
    const { logger, metrics } = this.#context;
    let seen: string;
    try {
      seen = await this.#stamp();
      if (seen === this.#seen) return 'looked';
      const isChanged = this.#take(await this.#read());
      metrics.keysRefreshed(this.#name, isChanged ? 'changed' : 'same');
      if (isChanged) logger.info('keys were replaced; the old ones are believed a while longer', { issuer: this.#name });
    } catch (error) {
      metrics.keysRefreshed(this.#name, 'failed');
      logger.warn('key files cannot be used; the keys stay as they were', { issuer: this.#name, reason: reasonOf(error) });
      return 'looked';
    }
    this.#seen = seen;
    return 'looked';
  }

  #take(keys: readonly VerificationKey[]): boolean {
    const nowMs = this.#context.environment.clock.tickMs();
    return this.ring.replace(keys, nowMs, nowMs + this.#context.times.overlapMs);
  }

  async #stamp(): Promise<string> {
    const stats = await Promise.all(this.#paths.map((path) => stat(path)));
    const tooLarge = this.#paths.find((_, i) => (stats[i]?.size ?? 0) > fileBytesMax);
    if (tooLarge !== undefined) throw new KeyError(`${tooLarge} has more than ${fileBytesMax} bytes`);
    return stats.map(({ mtimeMs, size, ino }) => `${mtimeMs}:${size}:${ino}`).join(' ');
  }

  async #read(): Promise<readonly VerificationKey[]> {
    const texts = await Promise.all(this.#paths.map((path) => readFile(path, 'utf8')));
    return texts.flatMap((text, i) => {
      try {
        return this.#parse(text);
      } catch (error) {
        throw error instanceof KeyError ? new KeyError(`${this.#paths[i] ?? ''} ${error.message}`) : error;
      }
    });
  }
}

/** Errors of the file system name the path, ours never hold key material; anything else is not told. */
export function reasonOf(error: unknown): string {
  if (error instanceof KeyError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  return error instanceof Error && 'path' in error ? `${String(error.path)}: ${code}` : code;
}

/** Keys that are given as they are. */
export function fixedKeys(keys: readonly VerificationKey[]): KeySource {
  const ring = new KeyRing();
  ring.replace(keys, 0, 0);
  return { ring, isUsable: () => true, start: () => Promise.resolve(), refresh: () => Promise.resolve('looked'), stop: () => undefined };
}
