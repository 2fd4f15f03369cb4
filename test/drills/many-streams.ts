import { setTimeout as sleep } from 'node:timers/promises';
import { EdgeStream } from '../integration/edge/edge-client.js';
import type { OpenOptions } from '../integration/edge/edge-client.js';
import type { SelvageNode } from '../platform/selvage-node.js';
import { SseReader } from '../platform/sse-reader.js';

/** What is open, to be closed at the end of a drill. */
export class Crowd {
  readonly #closers: (() => void)[] = [];
  #isOver = false;
  #work: Promise<void> = Promise.resolve();

  /** Opens so many streams at once; whatever is answered is kept. */
  async open(url: string, count: number, options: OpenOptions = {}): Promise<void> {
    const opened = await Promise.allSettled(Array.from({ length: count }, () => EdgeStream.open(url, options)));
    for (const one of opened) if (one.status === 'fulfilled') this.#closers.push(() => one.value.close());
  }

  /** Readers that take nothing any more once they have begun. */
  async stall(port: number, channel: string, count: number): Promise<void> {
    const node = { port };
    const readers = await Promise.all(Array.from({ length: count }, () => SseReader.open(node, `channel=${channel}`)));
    for (const reader of readers) {
      reader.pause();
      this.#closers.push(() => reader.close());
    }
  }

  /** Does `once` that often a second, several at a time, until `close`. What fails is no matter: the node's own numbers are judged. */
  keepDoing(timesPerSecond: number, once: (n: number) => Promise<unknown>): void {
    const pauseMs = 1_000 / timesPerSecond;
    const run = async (): Promise<void> => {
      for (let n = 0; !this.#isOver; n++) {
        void once(n).catch(() => undefined);
        await sleep(pauseMs);
      }
    };
    this.#work = Promise.all([this.#work, run()]).then(() => undefined);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#work;
    for (const close of this.#closers.splice(0)) close();
  }
}

/** Opens a stream, and closes it as soon as something of it is there, or the answer is no stream. Returns its last id. */
export async function visit(url: string, options: OpenOptions = {}): Promise<string> {
  const stream = await EdgeStream.open(url, options);
  try {
    if (stream.status === 200) await stream.until(() => stream.frames.length > 0 || stream.isEnded, 'a frame', 5_000);
    return stream.lastId;
  } finally {
    stream.close();
  }
}

/** Has a token refused on every node. */
export async function revoke(node: SelvageNode, tokenId: string): Promise<void> {
  const body = JSON.stringify({ subject: 'nobody', tokenId });
  const answer = await fetch(`${node.adminUrl}/v1/disconnect`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!answer.ok) throw new Error(`disconnect answered ${answer.status}: ${await answer.text()}`);
  await answer.body?.cancel();
}
