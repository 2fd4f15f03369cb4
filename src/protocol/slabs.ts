const blockBytesDefault = 64 * 1_024;

/**
 * Cuts small runs of bytes out of larger blocks: a buffer of its own for each event costs more than everything else that is done with the event, and is one more thing
 * for the garbage collector to carry. A block is freed when nothing refers to it any more, so what is cut should be let go about in the order in which it was made; one
 * run kept alone keeps at most `blockBytes`.
 */
export class Slabs {
  readonly #blockBytes: number;
  #block = new Uint8Array(0);
  #view = new DataView(this.#block.buffer);
  #shared = this.#block;
  #sharedView = this.#view;
  #used = 0;

  /** `blockBytes`: default 64 KiB. Runs of more than a quarter of it get a block of their own; 0: all do. */
  constructor(blockBytes: number = blockBytesDefault) {
    this.#blockBytes = blockBytes;
  }

  /** The block of the run reserved last. */
  get block(): Uint8Array {
    return this.#block;
  }

  /** A view of all of `block`. */
  get view(): DataView {
    return this.#view;
  }

  /** Reserves a run and returns where it starts in `block`. */
  reserve(byteLength: number): number {
    if (byteLength > this.#blockBytes / 4) {
      this.#block = new Uint8Array(byteLength);
      this.#view = new DataView(this.#block.buffer);
      return 0;
    }
    if (this.#used + byteLength > this.#shared.length) {
      this.#shared = new Uint8Array(this.#blockBytes);
      this.#sharedView = new DataView(this.#shared.buffer);
      this.#used = 0;
    }
    const start = this.#used;
    this.#block = this.#shared;
    this.#view = this.#sharedView;
    this.#used = start + byteLength;
    return start;
  }

  /** Takes the run reserved last back, whatever was written there. */
  giveBack(byteLength: number): void {
    if (this.#block === this.#shared) this.#used -= byteLength;
  }
}
