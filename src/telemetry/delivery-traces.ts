import type { LogRecord } from '../protocol/log-record.js';
import { PackedRecord, type Span } from '../protocol/packed-record.js';
import type { Clock } from '../std/clock.js';
import type { SpanBudget } from './span-budget.js';
import { parseTraceparent, type TraceContext } from './trace-context.js';

/** An event whose producer keeps its trace, on its way through this node. */
export interface Delivery {
  /** The producer's. */
  readonly producer: TraceContext;
  readonly event: DeliveredEvent;
  /** When the node had read it. */
  readonly receivedMs: number;
  /** Live streams that it was written to. */
  readers: number;
}

export interface DeliveredEvent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly type: string;
}

const traceparentName = new TextEncoder().encode('traceparent');
/** Versions to come may be longer; what is far longer is no trace context. */
const valueBytesMax = 256;
/** Of the two digits of the flags, behind version, trace and span. */
const flagsAt = 53;
const letterA = 0x61;

/**
 * Follows events with a sampled `traceparent` in their record's headers from the tail to the sockets: one delivery an event and node, told when
 * all its live readers have been written to. Events without one cost a look at the record's headers; records without headers cost nothing.
 * Readers that catch up are not counted: they read at their own time.
 */
export class DeliveryTraces {
  readonly #budget: SpanBudget;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #tell: (delivery: Delivery, sentMs: number) => void;
  readonly #expected = new WeakMap<DeliveredEvent, Delivery>();
  readonly #sent: Delivery[] = [];
  readonly #span: Span = { start: 0, end: 0 };
  #isExpecting = false;

  constructor(budget: SpanBudget, clock: Pick<Clock, 'nowMs'>, tell: (delivery: Delivery, sentMs: number) => void) {
    this.#budget = budget;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether anything was noted since the last `flushed`; if not, there is no need to call `sent`. */
  get isExpecting(): boolean {
    return this.#isExpecting;
  }

  /** The record became the events from `from` on. */
  expect(record: LogRecord, events: readonly DeliveredEvent[], from: number): void {
    if (events.length === from) return;
    const text = this.#sampledTraceparentOf(record);
    if (text === null || !this.#budget.hasRoom) return;
    const producer = parseTraceparent(text);
    if (producer === null || !producer.isSampled) return;
    const receivedMs = this.#clock.nowMs();
    for (let i = from; i < events.length; i++) {
      const event = events[i] as DeliveredEvent;
      this.#expected.set(event, { producer, event, receivedMs, readers: 0 });
    }
    this.#isExpecting = true;
  }

  /** The event goes to so many readers. */
  sent(event: DeliveredEvent, readers: number): void {
    const delivery = this.#expected.get(event);
    if (delivery === undefined || readers === 0) return;
    if (delivery.readers === 0) this.#sent.push(delivery);
    delivery.readers += readers;
  }

  /** What was pending has been written. */
  flushed(): void {
    this.#isExpecting = false;
    if (this.#sent.length === 0) return;
    const sentMs = this.#clock.nowMs();
    for (const delivery of this.#sent.splice(0)) {
      this.#expected.delete(delivery.event);
      if (this.#budget.take()) this.#tell(delivery, sentMs);
    }
  }

  /** Of a producer that keeps its trace; whatever else a header holds is not even decoded. */
  #sampledTraceparentOf(record: LogRecord): string | null {
    if (record instanceof PackedRecord) {
      if (record.headerCount <= 0 || !record.findHeader(traceparentName, this.#span)) return null;
      const { start, end } = this.#span;
      return mayBeSampled(record.bytes, start, end) ? record.bytes.toString('latin1', start, end) : null;
    }
    const { headers } = record;
    const value = Object.hasOwn(headers, 'traceparent') ? headers['traceparent'] : undefined;
    const last = Array.isArray(value) ? (value.at(-1) as Uint8Array | undefined) : (value as Uint8Array | undefined);
    return last !== undefined && mayBeSampled(last, 0, last.length) ? Buffer.from(last).toString('latin1') : null;
  }
}

/** Whether the flags of the `traceparent` that lies there, if it is one, are odd. */
function mayBeSampled(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= flagsAt + 1 || end - start > valueBytesMax) return false;
  const digit = bytes[start + flagsAt + 1] as number;
  return digit >= letterA ? (digit - letterA) % 2 === 1 : digit % 2 === 1;
}
