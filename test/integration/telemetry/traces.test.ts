import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../platform/free-port.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { OtlpCollector } from './otlp-collector.js';

const [server, consumer] = [2, 5]; // kinds of spans in OTLP

let kafka: KafkaFixture;
beforeAll(async () => void (kafka = await KafkaFixture.connect(sharedKafka().brokers)));
afterAll(() => kafka?.close());

const routeOf = (topic: string): object => ({
  topic,
  channels: '{key}',
  type: '{header:selvage-type|message}',
  keyed: 'murmur2',
  publish: true,
});

function startTraced(topic: string, endpoint: string, env: Readonly<Record<string, string>> = {}): Promise<SelvageNode> {
  return startNode({
    brokers: sharedKafka().brokers,
    redisUrl: sharedRedis().url,
    routes: [routeOf(topic)],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, SELVAGE_TRACING_SAMPLE_RATIO: '0', SELVAGE_DRAIN_WINDOW_SECONDS: '1', ...env },
  });
}

/** A trace begun elsewhere. */
function newTrace(flags = '01'): { readonly traceId: string; readonly spanId: string; readonly traceparent: string } {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

test('a delivery is linked to the trace of the producer: one span for all readers, none for what was not sampled', async () => {
  await using collector = await OtlpCollector.start();
  const topic = await kafka.makeTopic(2);
  await using node = await startTraced(topic, `${collector.url}/`, {
    OTEL_SERVICE_NAME: 'fabric',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YQ==',
  });
  using one = await SseReader.open(node, 'channel=a');
  using two = await SseReader.open(node, 'channel=a');
  using both = await SseReader.open(node, 'channel=a&channel=b');
  const [kept, dropped, lonely] = [newTrace(), newTrace('00'), newTrace()];
  await kafka.send(topic, [
    { key: 'a', value: '1', headers: { traceparent: dropped.traceparent } },
    { key: 'nobody', value: '2', headers: { traceparent: lonely.traceparent } },
    { key: 'a', value: '3', headers: { 'selvage-type': 'progress', traceparent: kept.traceparent } },
    { key: 'a', value: '4', headers: { traceparent: 'nonsense' } },
    { key: 'a', value: '5' },
  ]);
  for (const reader of [one, two, both]) expect(await reader.take(4)).toEqual(['1', '3', '4', '5']);
  const last = newTrace();
  await kafka.send(topic, [{ key: 'b', value: '6', headers: { traceparent: last.traceparent } }]);
  await both.take(5);
  await collector.find('the last delivery', ({ traceId }) => traceId === last.traceId);
  expect(collector.spans.filter(({ traceId }) => [kept, dropped, lonely].some((trace) => trace.traceId === traceId))).toHaveLength(1);
  const span = await collector.find('the delivery', ({ traceId }) => traceId === kept.traceId);
  expect(span).toMatchObject({
    name: `deliver ${topic}`,
    kind: consumer,
    parentSpanId: kept.spanId,
    links: [{ traceId: kept.traceId, spanId: kept.spanId }],
    service: 'fabric',
  });
  expect(span.fields).toMatchObject({ 'messaging.destination.name': topic, 'selvage.event.type': 'progress', 'selvage.readers': 3 });
  expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
  expect(collector.authorizations).toEqual(new Set(['Basic YQ==']));
});

test('a publish goes on with its caller’s trace, hands it to the record, and the delivery follows from there', async () => {
  await using collector = await OtlpCollector.start();
  const topic = await kafka.makeTopic(1);
  await using node = await startTraced(topic, collector.url);
  using reader = await SseReader.open(node, 'channel=a');
  const publish = (traceparent: string): Promise<Response> =>
    fetch(`${node.url}/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent, tracestate: 'vendor=1' },
      body: JSON.stringify({ channel: 'a', type: 'progress', data: { step: 1 } }),
    });
  const [kept, dropped] = [newTrace(), newTrace('00')];
  expect((await publish(dropped.traceparent)).status).toBe(200);
  expect((await publish(kept.traceparent)).status).toBe(200);
  await reader.take(2);
  const published = await collector.find('the publish', ({ kind }) => kind === server);
  expect(published).toMatchObject({ name: 'POST /v1/publish', traceId: kept.traceId, parentSpanId: kept.spanId });
  expect(published.fields).toMatchObject({ 'http.response.status_code': 200, 'selvage.publish.accepted': 1 });
  const delivered = await collector.find('the delivery', ({ kind }) => kind === consumer);
  expect(delivered).toMatchObject({ traceId: kept.traceId, parentSpanId: published.spanId });
  const headers = (await kafka.readAll(topic)).map((record) => record.headers);
  expect(headers).toMatchObject([
    { traceparent: dropped.traceparent, tracestate: 'vendor=1' },
    { traceparent: `00-${kept.traceId}-${published.spanId}-01`, tracestate: 'vendor=1' },
  ]);
});

test('the beginning of a stream is a span with its outcome, and with the tier that a resume was read from', async () => {
  await using collector = await OtlpCollector.start();
  const topic = await kafka.makeTopic(1);
  await using node = await startTraced(topic, collector.url);
  const open = async (query: string, trace: ReturnType<typeof newTrace>, lastEventId?: string): Promise<number> => {
    const aborted = new AbortController();
    const headers = { traceparent: trace.traceparent, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
    const answer = await fetch(`${node.url}/v1/events?${query}`, { headers, signal: aborted.signal });
    aborted.abort();
    return answer.status;
  };
  using reader = await SseReader.open(node, 'channel=a');
  const position = reader.lastId ?? '';
  await kafka.send(topic, [{ key: 'a', value: '1' }]);
  await reader.take(1);
  const [fresh, resumed, refused, unsampled] = [newTrace(), newTrace(), newTrace(), newTrace('00')];
  expect(await open('channel=a', unsampled)).toBe(200);
  expect(await open('channel=a', fresh)).toBe(200);
  expect(await open('channel=a', resumed, position)).toBe(200);
  expect(await open('channel=', refused)).toBe(400);
  const spanOf = (trace: { readonly traceId: string }) => collector.find('the span', ({ traceId }) => traceId === trace.traceId);
  expect(await spanOf(fresh)).toMatchObject({
    name: 'GET events',
    kind: server,
    parentSpanId: fresh.spanId,
    events: [{ name: 'admitted' }],
  });
  expect((await spanOf(fresh)).fields).toMatchObject({
    'selvage.outcome': 'stream',
    'selvage.stream.id': expect.stringMatching(/^.{16}$/) as string,
  });
  expect((await spanOf(fresh)).fields).not.toHaveProperty('selvage.resume.tier');
  expect((await spanOf(resumed)).fields).toMatchObject({ 'selvage.outcome': 'stream', 'selvage.resume.tier': 'recent' });
  expect((await spanOf(refused)).fields).toMatchObject({ 'http.response.status_code': 400 });
  expect((await spanOf(refused)).status?.code ?? 0).toBe(0);
  expect(collector.spans.some(({ traceId }) => traceId === unsampled.traceId)).toBe(false);
});

test('a collector that is away is nobody’s trouble', async () => {
  const topic = await kafka.makeTopic(1);
  const nowhere = `http://127.0.0.1:${String(await freePort())}`;
  const node = await startTraced(topic, nowhere, { SELVAGE_TRACING_SAMPLE_RATIO: '1' });
  try {
    using reader = await SseReader.open(node, 'channel=a');
    await kafka.send(
      topic,
      Array.from({ length: 500 }, (_, i) => ({ key: 'a', value: String(i), headers: { traceparent: newTrace().traceparent } })),
    );
    expect(await reader.take(500)).toHaveLength(500);
    expect(await node.stop()).toBe(0);
  } finally {
    await node.close();
  }
});

test('a node makes no more spans a second than it may', async () => {
  await using collector = await OtlpCollector.start();
  const topic = await kafka.makeTopic(1);
  await using node = await startTraced(topic, collector.url, { SELVAGE_TRACING_SPANS_PER_SECOND_MAX: '3' });
  using reader = await SseReader.open(node, 'channel=a');
  const startMs = performance.now();
  await kafka.send(
    topic,
    Array.from({ length: 300 }, (_, i) => ({ key: 'a', value: String(i), headers: { traceparent: newTrace().traceparent } })),
  );
  await reader.take(300);
  const seconds = Math.ceil((performance.now() - startMs) / 1_000) + 1;
  await collector.find('a delivery', () => true);
  expect(await node.stop()).toBe(0);
  expect(collector.spans.length).toBeLessThanOrEqual(3 * seconds);
});
