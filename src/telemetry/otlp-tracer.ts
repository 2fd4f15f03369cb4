import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Context, Span, SpanContext, Tracer as SdkTracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Environment } from '../std/clock.js';
import { DeliveryTraces, type Delivery } from './delivery-traces.js';
import type { Logger } from './logger.js';
import { SpanBudget } from './span-budget.js';
import { formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.js';
import type { RequestSpan, SpanFields, Tracer } from './tracer.js';

export interface OtlpOptions {
  /** Where spans are posted to: the whole URL. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** This process. */
  readonly instanceId: string;
  /** Share of the traces begun here that are kept, 0 to 1. */
  readonly sampleRatio: number;
  readonly spansPerSecondMax: number;
}

/** Spans that wait to be sent; those that come on top are dropped. */
const queuedMax = 2_048;
const batchMax = 512;
const batchEveryMs = 1_000;
const exportTimeoutMs = 5_000;
const exportsAtOnceMax = 2;
/** For what is left when the process stops. */
const stopTimeoutMs = 2_000;
const warnEveryMs = 60_000;

/** Sends spans by OTLP over HTTP, as JSON. What cannot be sent is dropped. */
export function createOtlpTracer(options: OtlpOptions, environment: Environment, logger: Logger): Tracer {
  const { url, headers, serviceName, instanceId } = options;
  const exporter = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: exportTimeoutMs,
    concurrencyLimit: exportsAtOnceMax,
  });
  const provider = new TracerProvider({
    // Who is sampled is decided before a span is begun.
    sampler: new AlwaysOnSampler(),
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.instance.id': instanceId }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: heard(exporter, environment, logger),
        maxQueueSize: queuedMax,
        maxExportBatchSize: batchMax,
        scheduledDelayMillis: batchEveryMs,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  });
  const tracer = provider.getTracer('selvage');
  const budget = new SpanBudget(options.spansPerSecondMax, environment.clock);
  return {
    beginRequest(name, requestHeaders, fields) {
      const parent = parseTraceparent(requestHeaders.get('traceparent') ?? '');
      const isSampled = parent === null ? environment.random() < options.sampleRatio : parent.isSampled;
      if (!isSampled || !budget.take()) return null;
      const settings = { kind: SpanKind.SERVER, attributes: { ...fields } };
      return new OtlpRequestSpan(tracer.startSpan(name, settings, parent === null ? ROOT_CONTEXT : remote(parent)));
    },
    deliveries: new DeliveryTraces(budget, environment.clock, (delivery, sentMs) => tellDelivery(tracer, delivery, sentMs)),
    stop: () =>
      new Promise((resolve) => {
        environment.timers.after(stopTimeoutMs, resolve);
        provider.shutdown().then(resolve, () => resolve());
      }),
  };
}

/** The exporter, with a line in the log, at most one a minute, about what it could not send. */
function heard(exporter: SpanExporter, { clock }: Environment, logger: Logger): SpanExporter {
  let toldTickMs = -Infinity;
  let lost = 0;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          lost += spans.length;
          if (clock.tickMs() - toldTickMs >= warnEveryMs) {
            toldTickMs = clock.tickMs();
            logger.warn('spans could not be sent and are lost; nothing else depends on them', { lost, why: result.error.message });
            lost = 0;
          }
        }
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}

const contextOf = ({ traceId, spanId, isSampled }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
});

const remote = (parent: TraceContext): Context => trace.setSpanContext(ROOT_CONTEXT, contextOf(parent));

/** A span in the producer's trace, linked to the span that made the record: backends follow one or the other. */
function tellDelivery(tracer: SdkTracer, { producer, event, receivedMs, readers }: Delivery, sentMs: number): void {
  const settings = {
    kind: SpanKind.CONSUMER,
    startTime: receivedMs,
    links: [{ context: contextOf(producer) }],
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.name': 'deliver',
      'messaging.operation.type': 'process',
      'messaging.destination.name': event.topic,
      'messaging.destination.partition.id': String(event.partition),
      'messaging.kafka.offset': event.offset,
      'selvage.event.type': event.type,
      'selvage.readers': readers,
    },
  };
  tracer.startSpan(`deliver ${event.topic}`, settings, remote(producer)).end(Math.max(sentMs, receivedMs));
}

class OtlpRequestSpan implements RequestSpan {
  readonly traceparent: string;
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
    const { traceId, spanId } = span.spanContext();
    this.traceparent = formatTraceparent({ traceId, spanId, isSampled: true });
  }

  set(fields: SpanFields): void {
    this.#span.setAttributes({ ...fields });
  }

  mark(name: string): void {
    this.#span.addEvent(name);
  }

  end(fault?: string): void {
    if (!this.#span.isRecording()) return;
    if (fault !== undefined) {
      this.#span.setAttribute('error.type', fault);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
