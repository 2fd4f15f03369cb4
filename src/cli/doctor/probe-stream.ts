import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

/** A stream as it came, with times in ms since the request left. */
export interface Probe {
  /** Null: no answer at all. */
  readonly status: number | null;
  readonly headers: http.IncomingHttpHeaders;
  readonly headMs: number | null;
  readonly chunks: readonly { readonly atMs: number; readonly text: string }[];
  /** When the other side ended it; null: it was still open when we had enough. */
  readonly endedMs: number | null;
  /** Why there is no answer; null: there is one. */
  readonly error: string | null;
}

export interface ProbeOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest look, ms. */
  readonly forMs: number;
  /** Ends it earlier. */
  readonly isEnough?: (text: string) => boolean;
}

/** A stream of a healthy node brings a few bytes a second; who sends more is no node. */
const chunksMax = 10_000;

interface Looking {
  probe: { status: number | null; headers: http.IncomingHttpHeaders; headMs: number | null; endedMs: number | null; error: string | null };
  chunks: { atMs: number; text: string }[];
  head(status: number | undefined, headers: http.IncomingHttpHeaders): void;
  chunk(bytes: Uint8Array): void;
  end(): void;
  fail(error: Error): void;
}

/** Opens it over HTTP/1.1, over a connection of its own, and looks at it for a while. Never rejects. */
export function probeStream(options: ProbeOptions): Promise<Probe> {
  return look(options, (looking) => {
    const client = options.url.startsWith('https:') ? https : http;
    const request = client.get(options.url, { headers: { ...options.headers }, agent: false }, (response) => {
      looking.head(response.statusCode, response.headers);
      response.on('data', (bytes: Uint8Array) => looking.chunk(bytes));
      response.on('end', () => looking.end());
      response.on('error', (error) => (looking.chunks.length > 0 ? looking.end() : looking.fail(error)));
    });
    request.on('error', (error) => looking.fail(error));
    return () => request.destroy();
  });
}

/** The same over HTTP/2, as browsers speak it. */
export function probeStreamHttp2(options: ProbeOptions): Promise<Probe> {
  return look(options, (looking) => {
    const { origin, pathname, search } = new URL(options.url);
    const session = http2.connect(origin);
    session.on('error', (error: Error) => looking.fail(error));
    const lowered = Object.fromEntries(Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value]));
    const request = session.request({ ':path': pathname + search, ...lowered });
    request.on('response', (headers) => looking.head(headers[':status'], headers));
    request.on('data', (bytes: Uint8Array) => looking.chunk(bytes));
    request.on('end', () => looking.end());
    request.on('error', (error: Error) => looking.fail(error));
    return () => session.destroy();
  });
}

function look(options: ProbeOptions, open: (looking: Looking) => () => void): Promise<Probe> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const sinceMs = (): number => performance.now() - startedMs;
    const decoder = new TextDecoder();
    let text = '';
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      close();
      resolve({ ...looking.probe, chunks: looking.chunks });
    };
    const looking: Looking = {
      probe: { status: null, headers: {}, headMs: null, endedMs: null, error: null },
      chunks: [],
      head: (status, headers) => Object.assign(looking.probe, { status: status ?? null, headers, headMs: sinceMs() }),
      chunk: (bytes) => {
        const piece = decoder.decode(bytes, { stream: true });
        text += piece;
        looking.chunks.push({ atMs: sinceMs(), text: piece });
        if (looking.chunks.length >= chunksMax || options.isEnough?.(text) === true) finish();
      },
      end: () => {
        looking.probe.endedMs = sinceMs();
        finish();
      },
      fail: (error) => {
        if (looking.probe.status === null) looking.probe.error = error.message;
        else looking.probe.endedMs = sinceMs();
        finish();
      },
    };
    const timer = setTimeout(finish, options.forMs);
    const close = open(looking);
  });
}
