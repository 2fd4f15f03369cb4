import { SignJWT } from 'jose';
import { waitFor } from '../../platform/wait-for.js';

export const jwtSecret = 'a secret of more than thirty-two bytes';

/** A token of the subject that may read these channels. */
export function tokenOf(subject: string, read: readonly string[] = [], seconds = 600): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ selvage: { read, publish: ['**'] } })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(new TextEncoder().encode(jwtSecret));
}

export interface Frame {
  readonly type: string;
  readonly data: string;
  readonly id: string | null;
}

export interface StreamOptions {
  readonly token?: string;
  readonly lastEventId?: string;
}

/** A stream of any address, as it comes; never reconnects. `close` it. */
export class OpenStream {
  readonly status: number;
  readonly headers: Headers;
  readonly frames: Frame[] = [];
  isEnded = false;
  #rest = '';
  readonly #abort: AbortController;

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#abort = abort;
    void this.#read(response);
  }

  static async open(url: string, { token, lastEventId }: StreamOptions = {}): Promise<OpenStream> {
    const abort = new AbortController();
    const response = await fetch(url, {
      signal: abort.signal,
      headers: {
        Accept: 'text/event-stream',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
      },
    });
    return new OpenStream(response, abort);
  }

  /** Frames that are not the fabric's own. */
  get events(): readonly Frame[] {
    return this.frames.filter(({ type }) => !type.startsWith('selvage.'));
  }

  get types(): readonly string[] {
    return this.events.map(({ type }) => type);
  }

  get lastId(): string {
    return this.frames.findLast(({ id }) => id !== null)?.id ?? '';
  }

  /** The data of the first event of this type. */
  data(type: string): unknown {
    return JSON.parse(this.frames.find((frame) => frame.type === type)?.data ?? 'null');
  }

  async until(test: (stream: this) => boolean, what: string, timeoutMs = 15_000): Promise<void> {
    await waitFor(() => Promise.resolve(test(this)), { what: `${what}; had ${JSON.stringify(this.frames)}`, timeoutMs });
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) this.#take(decoder.decode(chunk, { stream: true }));
    } catch {
      // Closed by us, or cut.
    }
    this.isEnded = true;
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n');
      const field = (name: string): string[] =>
        lines.flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
      const data = field('data');
      if (data.length > 0) this.frames.push({ type: field('event')[0] ?? 'message', data: data.join('\n'), id: field('id')[0] ?? null });
    }
  }
}

/** Publishes over HTTP, and waits for the answer. */
export async function publish(url: string, token: string, channel: string, type: string, data: unknown): Promise<void> {
  const response = await fetch(`${url}/v1/publish`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ channel, type, data }),
  });
  if (response.status !== 200) throw new Error(`publishing to ${channel} was answered ${response.status}: ${await response.text()}`);
}
