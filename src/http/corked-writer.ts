import type { HttpResponse } from 'uWebSockets.js';

/**
 * Writes a chunk inside the response's cork: one system call a delivery instead of four. One instance serves all connections of a server,
 * so that a delivery allocates nothing; it is synchronous and never entered twice.
 */
export class CorkedWriter {
  #res: HttpResponse | null = null;
  #chunk: Uint8Array | null = null;
  #accepted = false;
  readonly #writeOnce = (): void => {
    if (this.#res !== null && this.#chunk !== null) this.#accepted = this.#res.write(this.#chunk);
  };

  /** What `HttpResponse.write` said: false when bytes went to the response's own buffer. */
  write(res: HttpResponse, chunk: Uint8Array): boolean {
    this.#res = res;
    this.#chunk = chunk;
    res.cork(this.#writeOnce);
    this.#res = null;
    this.#chunk = null;
    return this.#accepted;
  }
}
