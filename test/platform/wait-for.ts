import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** How long the condition may take; default 10 000. */
  readonly timeoutMs?: number;
  /** What is waited for, named in the error. */
  readonly what: string;
  /** Pause between two looks; default 25. */
  readonly everyMs?: number;
}

/** Looks again and again until `condition` gives something truthy, and returns that. A throwing condition counts as "not yet"; its last error is the cause of ours. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const { timeoutMs = 10_000, everyMs = 25, what } = options;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined | 0 | ''>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) throw new Error(`waited ${String(timeoutMs)} ms in vain for ${what}`, { cause: lastError });
    await sleep(everyMs);
  }
}
