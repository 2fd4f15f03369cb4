/**
 * Remembers, for many keys, a time until which something holds, in bounded memory: the `keysMax` keys used last, and at most twice as many.
 * When it forgets a key whose time has not come, every key that it does not know begins with the latest time that was forgotten. So being
 * forgotten never gains anybody anything; at the bound strangers may wait as long as the one forgotten would have had to. Two generations:
 * nothing is ever deleted alone, and a generation is looked through once, when it goes.
 */
export class TimeTable {
  readonly #keysMax: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #forgottenUntilMs = -Infinity;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** The time of `key`; of a stranger, the latest that was forgotten. */
  untilMs(key: string): number {
    return this.#young.get(key) ?? this.#old.get(key) ?? this.#forgottenUntilMs;
  }

  set(key: string, untilMs: number, nowMs: number): void {
    if (this.#young.size >= this.#keysMax && !this.#young.has(key)) this.#turn(nowMs);
    this.#young.set(key, untilMs);
  }

  #turn(nowMs: number): void {
    for (const [key, untilMs] of this.#old) {
      if (untilMs > nowMs && untilMs > this.#forgottenUntilMs && !this.#young.has(key)) this.#forgottenUntilMs = untilMs;
    }
    this.#old = this.#young;
    this.#young = new Map();
  }
}
