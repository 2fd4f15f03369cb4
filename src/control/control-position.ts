/** The only partition of the control topic: one order for all commands. Others, if an operator made some, stay empty. */
export const controlPartition = 0;

/** A stretch of the control partition that is to be read; `to` is its last offset. */
export interface Unread {
  readonly from: number;
  readonly to: number;
}

/**
 * What of the control partition was had. Two ways fill it: the tail from where it attached on, and reading back up to there. Where both had the same record it is
 * applied twice, which is harmless; nothing is left out.
 *
 *     ······│ read back ───▶ readTo ··· unread ··· liveFrom │ the tail ───▶ tailNext
 */
export class ControlPosition {
  #readTo: number | null = null;
  #liveFrom: number | null = null;
  #tailNext = 0;
  #endAtStart = 0;
  #age = 0;

  /** Changes whenever offsets begin to mean something else. */
  get age(): number {
    return this.#age;
  }

  /** Read back up to here, and no further; null: not begun. */
  get readTo(): number | null {
    return this.#readTo;
  }

  /** The tail follows. */
  get isAttached(): boolean {
    return this.#liveFrom !== null;
  }

  /** Null: nothing is to be read. Before the tail has attached, reading back goes to the end as it was at the start: a topic that grows must not keep it busy for ever. */
  get unread(): Unread | null {
    const target = this.#liveFrom ?? this.#endAtStart;
    if (this.#readTo === null || this.#readTo >= target) return null;
    return { from: this.#readTo, to: target - 1 };
  }

  /** All is had, and what comes will be. */
  get isComplete(): boolean {
    return this.#readTo !== null && this.#liveFrom !== null && this.#readTo >= this.#liveFrom;
  }

  /** Reading back begins here: what is below concerns no token that is still valid. `end` is where the log ends now. */
  start(from: number, end: number): void {
    this.#readTo ??= from;
    this.#endAtStart = end;
  }

  /** Everything below `next` was read back. */
  hadUpTo(next: number): void {
    if (this.#readTo !== null && next > this.#readTo) this.#readTo = next;
  }

  /** The tail follows from `next` on. */
  attached(next: number): void {
    // Below what was read already: of the same topic, or of one that took its place in between. Reading back once more is cheap.
    if (this.#readTo !== null && next < this.#readTo) this.#restart();
    this.#liveFrom = next;
    this.#tailNext = next;
  }

  /** A stretch that the tail delivered; false when there is a hole before it. */
  delivered(from: number, to: number): boolean {
    const hasHole = this.#liveFrom !== null && from > this.#tailNext;
    if (hasHole) {
      if (this.isComplete) this.#readTo = this.#tailNext;
      this.#liveFrom = from;
    }
    this.#tailNext = Math.max(this.#tailNext, to + 1);
    return !hasHole;
  }

  #restart(): void {
    this.#age++;
    this.#readTo = null;
  }

  /** The topic began anew; the tail delivers all of it, from `low` on. */
  reset(low: number): void {
    this.#age++;
    this.#liveFrom = low;
    this.#tailNext = low;
    // Before the start nothing is known of the past; after it, the new topic is had from its beginning.
    if (this.#readTo !== null) this.#readTo = low;
  }
}
