const LF = 10;
const firstBytes = 64 * 1024;

/**
 * Gathers frames into one run of bytes for one write. One writer serves a whole node: what `take` returns is valid only until the next `begin`.
 */
export class ChunkWriter {
  #bytes = new Uint8Array(firstBytes);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  begin(): void {
    this.#length = 0;
  }

  /** Appends bytes as they are. */
  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Appends text that holds only ASCII. */
  appendAscii(text: string): void {
    const length = text.length;
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  /** Ends a frame: the `id:` line, last of all, when there is an id, and the blank line. */
  endFrame(id: string | null): void {
    if (id !== null) {
      this.appendAscii('id: ');
      this.appendAscii(id);
      this.#reserve(2);
      this.#bytes[this.#length++] = LF;
    } else this.#reserve(1);
    this.#bytes[this.#length++] = LF;
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(byteLength: number): void {
    const needed = this.#length + byteLength;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
