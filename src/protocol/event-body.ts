/**
 * An event encoded once: the lines of its Server-Sent Events frame up to, not including, the `id:` line.
 *
 *     event: progress\n          absent for the default type `message`
 *     data: {"a":1}\n            one line for each line of the data
 *
 * Several bodies share a block of memory, so that a body is one small object.
 */
export class EventBody {
  /** Where the data of the first `data: ` line begins in `bytes`. */
  readonly dataStart: number;
  /** True when the data has one line, so that `bytes[dataStart .. length - 1)` is the data itself. */
  readonly isSingleLine: boolean;
  /** Length of `bytes`. */
  readonly byteLength: number;
  readonly #block: Uint8Array;
  readonly #start: number;

  constructor(block: Uint8Array, start: number, byteLength: number, dataStart: number, isSingleLine: boolean) {
    this.#block = block;
    this.#start = start;
    this.byteLength = byteLength;
    this.dataStart = dataStart;
    this.isSingleLine = isSingleLine;
  }

  /** The encoded lines, each ended by LF: a view made for the caller, never into a fetch buffer. For the length alone take `byteLength`. */
  get bytes(): Uint8Array {
    return this.#block.subarray(this.#start, this.#start + this.byteLength);
  }
}
