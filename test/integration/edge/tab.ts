import { setTimeout as sleep } from 'node:timers/promises';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { EdgeStream, eventsUrl } from './edge-client.js';

/** Between two tries of a tab: less than any server asks for, so that what is too early for a limit is found. */
const retryMs = 50;

/** A reader that comes back whenever its stream ends, with its position, to the first of its nodes that answers. `close` it. */
export class Tab {
  /** Data of all events, over all streams. */
  readonly datas: string[] = [];
  /** Codes of all `selvage.close`. */
  readonly closes: string[] = [];
  gaps = 0;
  streams = 0;
  current: EdgeStream | null = null;
  readonly #nodes: readonly SelvageNode[];
  readonly #channel: string;
  readonly #token: string;
  #position = '';
  #isClosed = false;

  /** The preferred node comes first. */
  constructor(nodes: readonly SelvageNode[], channel: string, token: string) {
    this.#nodes = nodes;
    this.#channel = channel;
    this.#token = token;
    void this.#follow();
  }

  /** A stream is open and has begun. */
  get isIn(): boolean {
    return this.current !== null && !this.current.isEnded && this.current.frames.length > 0 && this.current.closeCode === undefined;
  }

  /** Events so far, those of the stream that is open included. */
  get all(): readonly string[] {
    return [...this.datas, ...(this.current?.datas ?? [])];
  }

  close(): void {
    this.#isClosed = true;
    this.current?.close();
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed) {
      for (const node of this.#nodes) await this.#readFrom(node);
      await sleep(retryMs);
    }
  }

  async #readFrom(node: SelvageNode): Promise<void> {
    const options = { token: this.#token, ...(this.#position === '' ? {} : { lastEventId: this.#position }) };
    const stream = await EdgeStream.open(eventsUrl(node, [this.#channel]), options).catch(() => null);
    if (stream === null) return;
    this.current = stream;
    this.streams++;
    if (this.#isClosed) stream.close();
    while (!stream.isEnded) await sleep(5);
    this.current = null;
    this.datas.push(...stream.datas);
    this.gaps += stream.frames.filter(({ type }) => type === 'selvage.gap').length;
    if (stream.closeCode !== undefined) this.closes.push(stream.closeCode);
    if (stream.lastId !== '') this.#position = stream.lastId;
  }
}
