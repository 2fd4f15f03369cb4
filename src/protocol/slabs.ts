const blockBytesDefault = 64 * 1_024;

/**
 * Cuts small runs of bytes out of larger blocks: a buffer of its own for each event costs more than everything else that is done with the event, and is one more thing
 * for the garbage collector to carry. A block is freed when nothing refers to it any more, so what is cut should be let go about in the order in which it was made; one
 * run kept alone keeps at most `blockBytes`.
 */
export class Slabs {
  readonly #blockBytes: number;
  #block = new Uint8Array(0);
  #shared = this.#block;
  #used = 0;

  /** `blockBytes`: default 64 KiB. Runs of more than a quarter of it get a block of their own; 0: all do. */
  constructor(blockBytes: number = blockBytesDefault) {
    this.#blockBytes = blockBytes;
  }

  /** The block of the run reserved last. */
  get block(): Uint8Array {
    return this.#block;
  }

  /** Reserves a run, zeroed, and returns where it starts in `block`. */
  reserve(byteLength: number): number {
    if (byteLength > this.#blockBytes / 4) {
      this.#block = new Uint8Array(byteLength);
      return 0;
    }
    if (this.#used + byteLength > this.#shared.length) {
      this.#shared = new Uint8Array(this.#blockBytes);
      this.#used = 0;
    }
    const start = this.#used;
    this.#block = this.#shared;
    this.#used = start + byteLength;
    return start;
  }
}
