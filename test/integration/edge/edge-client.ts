import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { waitFor } from '../../platform/wait-for.js';

export interface Frame {
  readonly type: string;
  readonly data: string;
  readonly id: string | null;
  readonly atMs: number;
}

export interface OpenOptions {
  readonly token?: string;
  readonly lastEventId?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** A refusal as problem+json has it. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly status: number;
  readonly limit?: number;
  readonly present?: number;
}

/** One stream over one connection, with any headers; never reconnects. `close` it. */
export class EdgeStream {
  readonly frames: Frame[] = [];
  status = 0;
  headers: IncomingHttpHeaders = {};
  /** The address of our end: another connection has another. */
  localPort: number | undefined;
  endedAtMs: number | null = null;
  body = '';
  readonly #response: IncomingMessage;
  #rest = '';

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.localPort = response.socket.localPort;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#take(text));
    response.once('close', () => (this.endedAtMs = performance.now()));
    response.on('error', () => undefined);
  }

  /** Resolves with the head of the answer, whatever it is. */
  static open(url: string, { token, lastEventId, headers }: OpenOptions = {}): Promise<EdgeStream> {
    return new Promise((resolve, reject) => {
      const asked = request(
        url,
        {
          agent: false,
          headers: {
            Accept: 'text/event-stream',
            ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
            ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
            ...headers,
          },
        },
        (response) => resolve(new EdgeStream(response)),
      );
      asked.once('error', reject);
      asked.end();
    });
  }

  /** A stream of these channels that has begun: its first position is here. */
  static async begin(node: Pick<SelvageNode, 'url'>, channels: readonly string[], options: OpenOptions = {}): Promise<EdgeStream> {
    const stream = await EdgeStream.open(eventsUrl(node, channels), options);
    await stream.until(() => stream.frames.length > 0, 'the first frame');
    return stream;
  }

  get isEnded(): boolean {
    return this.endedAtMs !== null;
  }

  /** Data of the events that are not the fabric's own. */
  get datas(): readonly string[] {
    return this.frames.flatMap(({ type, data }) => (type.startsWith('selvage.') ? [] : [data]));
  }

  get lastId(): string {
    return this.frames.findLast(({ id }) => id !== null)?.id ?? '';
  }

  /** The last frame of this type, read as JSON. */
  last(type: string): { readonly [name: string]: unknown } | null {
    const frame = this.frames.findLast((one) => one.type === type);
    return frame === undefined ? null : (JSON.parse(frame.data) as { readonly [name: string]: unknown });
  }

  /** The code of `selvage.close`; undefined while there was none. */
  get closeCode(): string | undefined {
    const code = this.last('selvage.close')?.['code'];
    return typeof code === 'string' ? code : undefined;
  }

  /** The problem of an answer that is no stream. */
  async problem(): Promise<Problem> {
    await this.until(() => this.isEnded, 'the end of the answer');
    return JSON.parse(this.body) as Problem;
  }

  async until(test: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
    const told = (): string => `${what}; ${this.status}, had ${JSON.stringify(this.frames)} ${this.body.slice(0, 500)}`;
    try {
      await waitFor(test, { what, timeoutMs, everyMs: 5 });
    } catch (error) {
      throw new Error(`waited in vain for ${told()}`, { cause: error });
    }
  }

  close(): void {
    this.#response.destroy();
  }

  #take(text: string): void {
    if (this.headers['content-type']?.startsWith('text/event-stream') !== true) {
      this.body += text;
      return;
    }
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n');
      const field = (name: string): string[] =>
        lines.flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
      const data = field('data');
      if (data.length === 0) continue;
      const [type = 'message'] = field('event');
      this.frames.push({ type, data: data.join('\n'), id: field('id')[0] ?? null, atMs: performance.now() });
    }
  }
}

export function eventsUrl({ url }: Pick<SelvageNode, 'url'>, channels: readonly string[], more = ''): string {
  return `${url}/v1/events?${channels.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&')}${more}`;
}

/** Asks as a fetch client does, for JSON: refusals are problem+json. */
export async function poll(
  node: Pick<SelvageNode, 'url'>,
  channels: readonly string[],
  token: string,
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: Problem }> {
  const headers = { Accept: 'application/json', Authorization: `Bearer ${token}` };
  const response = await fetch(eventsUrl(node, channels, '&wait=0'), { headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Problem };
}

/** Publishes over HTTP; the answer. */
export function tryPublish(
  { url }: Pick<SelvageNode, 'url'>,
  token: string,
  channel: string,
  data: unknown,
  headers = {},
): Promise<Response> {
  return fetch(`${url}/v1/publish`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ channel, type: 'note', data }),
  });
}

export async function publish(node: Pick<SelvageNode, 'url'>, token: string, channel: string, data: unknown): Promise<void> {
  const response = await tryPublish(node, token, channel, data);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`publishing to ${channel} was answered ${response.status}: ${body}`);
}

/** `POST /v1/disconnect` at the admin port; resolves when it is answered 200. */
export async function disconnect({ adminUrl }: Pick<SelvageNode, 'adminUrl'>, match: object): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(`${adminUrl}/v1/disconnect`, { method: 'POST', headers, body: JSON.stringify(match) });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`a disconnect was answered ${response.status}: ${body}`);
}

interface Use {
  readonly subject?: string;
  readonly tenant?: string;
  readonly address?: string;
  readonly count: number;
  readonly everywhere?: number;
}
interface UseOf {
  readonly users: readonly Use[];
  readonly tenants: readonly Use[];
  readonly addresses: readonly Use[];
}

export async function usageOf({ adminUrl }: Pick<SelvageNode, 'adminUrl'>): Promise<{
  readonly openStreams: UseOf;
  readonly refusedConnects: UseOf;
  readonly refusedPublishes: UseOf;
}> {
  const response = await fetch(`${adminUrl}/v1/usage?top=100`);
  return (await response.json()) as Awaited<ReturnType<typeof usageOf>>;
}

/** The sum over all samples of a metric whose labels hold `labels`. */
export async function metricOf({ adminUrl }: Pick<SelvageNode, 'adminUrl'>, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
