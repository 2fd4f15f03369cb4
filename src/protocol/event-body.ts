/** Where the lines of a body lie. */
export interface EncodedPlace {
  readonly block: Uint8Array;
  readonly start: number;
  readonly byteLength: number;
  /** Of `layoutOf`. */
  readonly layout: number;
}

/** Where the data begin in a body and whether they are a single line, as one number: a node holds a million of these. */
export function layoutOf(dataStart: number, isSingleLine: boolean): number {
  return dataStart * 2 + (isSingleLine ? 1 : 0);
}

/**
 * An event encoded once: the lines of its Server-Sent Events frame up to, not including, the `id:` line.
 *
 *     event: progress\n          absent for the default type `message`
 *     data: {"a":1}\n            one line for each line of the data
 *
 * Several bodies share a block of memory, so that a body is one small object.
 */
export class EventBody implements EncodedPlace {
  /** Length of `bytes`. */
  readonly byteLength: number;
  readonly #block: Uint8Array;
  readonly #start: number;
  readonly #layout: number;

  constructor({ block, start, byteLength, layout }: EncodedPlace) {
    this.byteLength = byteLength;
    this.#block = block;
    this.#start = start;
    this.#layout = layout;
  }

  get block(): Uint8Array {
    return this.#block;
  }

  get start(): number {
    return this.#start;
  }

  get layout(): number {
    return this.#layout;
  }

  /** Where the data of the first `data: ` line begins in `bytes`. */
  get dataStart(): number {
    return this.#layout >>> 1;
  }

  /** True when the data has one line, so that `bytes[dataStart .. length - 1)` is the data itself. */
  get isSingleLine(): boolean {
    return (this.#layout & 1) !== 0;
  }

  /** The encoded lines, each ended by LF: a view made for the caller, never into a fetch buffer. For the length alone take `byteLength`. */
  get bytes(): Uint8Array {
    return this.#block.subarray(this.#start, this.#start + this.byteLength);
  }
}
