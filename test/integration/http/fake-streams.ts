import { openAuthenticator } from '../../open-admission/open-authenticator.js';
import type { Sink, SinkOwner } from '../../../src/hub/sink.js';
import type { CloseCode } from '../../../src/protocol/close-catalogue.js';
import type { RequestSnapshot } from '../../../src/protocol/request-snapshot.js';
import type { EventStreams, StreamAnswer, StreamHandle } from '../../../src/subscribe/event-streams.js';
import { createHttpServer } from '../../../src/http/http-server.js';
import type { HttpServer, HttpServerParts } from '../../../src/http/http-server.js';
import { defaultHttpOptions } from '../../../src/http/http-options.js';
import type { HttpOptions } from '../../../src/http/http-options.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';

const encoder = new TextEncoder();
export const bytes = (text: string): Uint8Array => encoder.encode(text);

/** A subscriber that writes what a test tells it, and notes what it is told. */
export class FakeSubscriber implements SinkOwner, StreamHandle {
  readonly sink: Sink;
  writableCount = 0;
  peerGoneCount = 0;
  closeCodes: CloseCode[] = [];
  onWritableDo: (() => void) | null = null;

  constructor(sink: Sink) {
    this.sink = sink;
    sink.write(bytes('retry: 1000\n:\n'));
  }

  onWritable(): void {
    this.writableCount++;
    this.onWritableDo?.();
  }

  onPeerGone(): void {
    this.peerGoneCount++;
  }

  close(code: CloseCode): void {
    this.closeCodes.push(code);
    this.sink.end(bytes(`event: selvage.close\ndata: {"code":"${code}"}\n\n`), code);
  }
}

/** The request story, as a test scripts it. */
export class FakeStreams implements EventStreams {
  readonly subscribers: FakeSubscriber[] = [];
  readonly requests: RequestSnapshot[] = [];
  answer: (request: RequestSnapshot) => Promise<StreamAnswer> | StreamAnswer = () => this.stream();

  open(request: RequestSnapshot): Promise<StreamAnswer> | StreamAnswer {
    this.requests.push(request);
    return this.answer(request);
  }

  stream(): StreamAnswer {
    return {
      kind: 'stream',
      attach: (sink) => {
        const subscriber = new FakeSubscriber(sink);
        this.subscribers.push(subscriber);
        return subscriber;
      },
    };
  }
}

export async function startServer(
  overrides: Partial<Omit<HttpServerParts, 'options'>> & { options?: Partial<HttpOptions> } = {},
): Promise<{ server: HttpServer; port: number; streams: FakeStreams }> {
  const streams = new FakeStreams();
  const server = createHttpServer({
    streams,
    publisher: null,
    authenticator: openAuthenticator,
    environment: systemEnvironment,
    metrics: noMetrics,
    logger: silentLogger,
    ...overrides,
    // As many as the limit of open files allows anywhere: nothing is said of it.
    options: { ...defaultHttpOptions, streamsMax: 100, port: 0, ...overrides.options },
  });
  const { port } = await server.listen();
  return { server, port, streams };
}

/** Resolves when the condition holds; the bound is for failing, not for measuring. */
export async function eventually(condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('did not happen');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
