/** Lets a few pieces of work run at a time and a bounded number wait; first come, first served. */
export class Gate {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** Undefined: too many wait already, and the work was not begun. */
  run<T>(work: () => Promise<T>): Promise<T> | undefined {
    if (this.#running >= this.#runningMax && this.#waiting.length >= this.#waitingMax) return undefined;
    return this.#runInTurn(work);
  }

  async #runInTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // The place goes on to whoever waits longest.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
