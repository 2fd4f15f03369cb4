import type { Sink, SinkOwner } from '../hub/sink.js';
import type { CloseCode, CloseReason } from '../protocol/close-catalogue.js';
import type { Environment } from '../std/clock.js';
import type { StreamHandle, StreamSummary } from '../subscribe/event-streams.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { AccessLog } from './access-log.js';
import { CorkedWriter } from './corked-writer.js';
import type { HeaderList } from './cors.js';
import type { Exchange } from './exchange.js';
import { SseConnection } from './sse-connection.js';
import type { ConnectionShare } from './sse-connection.js';
import { StallWatch } from './stall-watch.js';

export interface StreamBoardParts {
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly streamsMax: number;
  readonly accessLog: AccessLog;
}

/** The open streams of a server, oldest first. */
export class StreamBoard {
  readonly #parts: StreamBoardParts;
  readonly #open = new Set<SseConnection>();
  readonly #watch: StallWatch;
  readonly #share: ConnectionShare;
  #heldCount = 0;

  constructor(parts: StreamBoardParts) {
    this.#parts = parts;
    this.#watch = new StallWatch(parts.environment.timers, parts.metrics);
    this.#share = {
      writer: new CorkedWriter(),
      watch: this.#watch,
      onClosed: (connection, reason, summary) => this.#closed(connection, reason, summary),
    };
  }

  get openCount(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size + this.#heldCount >= this.#parts.streamsMax;
  }

  /** Counts a request that is being admitted or polls like an open stream, until the returned function is called. */
  hold(): () => void {
    let isHeld = true;
    this.#heldCount++;
    return () => {
      if (isHeld) this.#heldCount--;
      isHeld = false;
    };
  }

  /** Turns the exchange into a stream. */
  open(exchange: Exchange, further: HeaderList, attach: (sink: Sink) => SinkOwner & StreamHandle): void {
    const headers = [...exchange.commonHeaders(), ...further];
    const res = exchange.handOver();
    if (res === null) return;
    const connection = new SseConnection(res, headers, this.#share, exchange.subject, this.#parts.environment.clock.tickMs());

    this.#open.add(connection);
    this.#parts.metrics.connectionOpened();
    try {
      connection.attach(attach);
    } catch (error) {
      this.#parts.logger.error('a stream could not be attached', { error, requestId: exchange.request.requestId });
      connection.abort();
    }
  }

  /** Asks the oldest `count` streams to end with `code`; returns how many were asked. */
  closeOldest(count: number, code: CloseCode): number {
    let asked = 0;
    for (const connection of this.#open) {
      if (asked >= count) break;
      if (connection.askToClose(code)) asked++;
    }
    return asked;
  }

  /** Cuts every stream and stops watching. */
  abortAll(): void {
    for (const connection of [...this.#open]) connection.abort();
    this.#watch.stop();
  }

  #closed(connection: SseConnection, reason: CloseReason, summary: StreamSummary): void {
    const { metrics, environment, accessLog } = this.#parts;
    this.#open.delete(connection);
    const durationMs = Math.round(environment.clock.tickMs() - connection.openedAtTickMs);
    metrics.connectionClosed(reason, durationMs / 1_000);
    accessLog.streamEnded(connection.subject, { reason, durationMs, bytes: connection.bytesWritten, ...summary });
  }
}
