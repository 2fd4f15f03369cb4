import type { DeliveryTraces } from './delivery-traces.js';

/** Values of a span. Never a token, a user or a channel: spans leave the fabric. */
export type SpanFields = Readonly<Record<string, string | number | boolean>>;

/** One request, while it is being answered. */
export interface RequestSpan {
  /** For those who continue the trace: the span's own `traceparent`. */
  readonly traceparent: string;
  set(fields: SpanFields): void;
  /** A moment within the span. */
  mark(name: string): void;
  /** Once; later calls do nothing. `fault`: what the fabric, not the caller, failed at. */
  end(fault?: string): void;
}

/**
 * Traces of what passes through. Where traces are off there is no tracer at all (null), and what would tell it is not in the way: requests go
 * through no wrapper, and nothing of OpenTelemetry is loaded.
 */
export interface Tracer {
  /**
   * Begins the span of a request, which continues the trace that its headers name. Null: it is not sampled (by whoever began the trace, or by
   * the ratio for those that begin here), or there are too many.
   */
  beginRequest(name: string, headers: ReadonlyMap<string, string>, fields: SpanFields): RequestSpan | null;
  readonly deliveries: DeliveryTraces;
  /** Sends what is left, for a bounded time. Never rejects. */
  stop(): Promise<void>;
}
