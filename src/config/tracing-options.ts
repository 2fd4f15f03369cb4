import { fraction, integer, optionalText, text } from './option.js';

/** OpenTelemetry traces; nothing of them is loaded without an endpoint. */
export const tracingOptions = {
  endpoint: optionalText({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    pattern: /^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/,
    shape: 'an http or https URL without a query',
    sentence: 'Collector that takes OTLP over HTTP, such as `http://collector:4318`; `/v1/traces` is put behind it. Absent: no traces.',
  }),
  headers: optionalText({
    env: 'OTEL_EXPORTER_OTLP_HEADERS',
    secret: true,
    pattern: /^ *[A-Za-z0-9-]+ *=[^,\r\n]*(, *[A-Za-z0-9-]+ *=[^,\r\n]*)*$/,
    shape: 'like name=value,name=value',
    sentence: 'Headers for the collector, such as `authorization=Bearer%20…`; values percent-encoded.',
  }),
  serviceName: text({ env: 'OTEL_SERVICE_NAME', default: 'selvage', sentence: 'Name of the service in traces.' }),
  sampleRatio: fraction({
    default: 0.01,
    sentence:
      'Share of the streams and publishes without a `traceparent` that begin a trace. Where there is one, its sampled flag decides.',
  }),
  spansPerSecondMax: integer({
    default: 100,
    min: 1,
    max: 10_000,
    sentence: 'Most spans a second of this process: callers choose what is sampled. What is over is not traced.',
  }),
};
