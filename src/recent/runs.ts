import { Deque } from '../std/deque.js';

/** What many rows in a row have in common, once for all of them. Numbered from 0 on; first in, first out. */
export class Runs<T extends object> {
  readonly #things = new Deque<T>();
  #first = 0;
  #last: T | null = null;
  #lastNumber = -1;

  /** The number of what a new row has: that of the row before it, when it is the same. */
  add(thing: T): number {
    if (thing === this.#last) return this.#lastNumber;
    this.#things.push(thing);
    this.#last = thing;
    return ++this.#lastNumber;
  }

  at(number: number): T {
    return this.#things.at(number - this.#first) as T;
  }

  /** Lets go of what no row has any more, which is what is numbered below that of the oldest row. */
  dropBelow(number: number): void {
    while (this.#first < number) {
      this.#things.shift();
      this.#first++;
    }
  }

  /** Lets go of everything. */
  clear(): void {
    this.dropBelow(this.#lastNumber + 1);
    this.#last = null;
  }
}
