import type { StreamLimits } from '../../../src/admission/stream-limits.js';
import { openPrincipal } from '../../open-admission/open-authenticator.js';
import type { Principal } from '../../../src/admission/principal.js';
import type { EventLog } from '../../../src/log/event-log.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import type { IdempotencyStore } from '../../../src/publish/idempotency-store.js';
import { LogPublisher } from '../../../src/publish/log-publisher.js';
import { MemoryIdempotencyStore } from '../../../src/publish/memory/memory-idempotency-store.js';
import { defaultPublishShape } from '../../../src/publish/publish-event.js';
import { createRouter } from '../../../src/routing/create-router.js';
import { parseRoutes } from '../../../src/routing/parse-routes.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';

export const publishRoutes = [
  {
    topic: 'tasks',
    channels: 'task:{key}',
    keyed: 'murmur2',
    type: ['{header:ce_type}', '{header:selvage-type|message}'],
    attributes: { session: '{header:session}', stage: '{json:stage}', cesession: '{header:ce_session}' },
    publish: true,
  },
  { topic: 'news', channels: ['news', 'broadcast'], publish: true, type: 'news' },
  { topic: 'users', channels: 'user.{key|raw}', when: { 'header:kind': 'user' }, attributes: { kind: '{header:kind}' }, publish: true },
  { topic: 'wide', channels: ['wide.{key}', 'project.{json:project}'], publish: true },
  { topic: 'silent', channels: 'silent.{key}' },
];

export const mayPublish = (allows: (channel: string) => boolean, more: Partial<Principal> = {}): Principal => ({
  ...openPrincipal,
  subject: 'ada',
  publish: { allows },
  ...more,
});

export interface Overrides {
  readonly log?: Pick<EventLog, 'append'>;
  readonly limits?: Pick<StreamLimits, 'admitPublish'>;
  readonly store?: IdempotencyStore | null;
  readonly routes?: readonly unknown[];
  readonly eventBytesMax?: number;
}

export interface Request {
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly principal?: Principal;
}

/** A publisher into a log in memory, with real routes. */
export async function setUpPublisher(overrides: Overrides = {}) {
  const log = new MemoryEventLog({}, systemEnvironment);
  const parsed = parseRoutes(overrides.routes ?? publishRoutes);
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  const topics = [...new Set(parsed.routes.map(({ topic }) => topic))];
  for (const topic of topics) await log.ensureTopic(topic, 4);
  const nothing = (): void => undefined;
  const observer = { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing };
  const router = createRouter(
    parsed.routes,
    observer,
    overrides.eventBytesMax === undefined ? {} : { eventBytesMax: overrides.eventBytesMax },
  );
  const store =
    overrides.store === undefined
      ? new MemoryIdempotencyStore({ rememberMs: 60_000, leaseMs: 1_000 }, systemEnvironment.clock)
      : overrides.store;
  const publisher = new LogPublisher({
    router,
    log: overrides.log ?? log,
    limits: overrides.limits ?? { admitPublish: () => null },
    idempotency: store,
    shape: defaultPublishShape,
    encodePosition: (channel, result) => `${channel}@${result.partition}-${result.offset}`,
    environment: systemEnvironment,
    metrics: noMetrics,
    logger: silentLogger,
  });
  const publish = (body: unknown, { contentType = 'application/json', headers = {}, principal = openPrincipal }: Request = {}) =>
    publisher.publish({
      body: body instanceof Uint8Array ? body : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
      contentType,
      headers: new Map(Object.entries(headers)),
      principal,
      address: '127.0.0.1',
    });
  const text = (bytes: unknown): string => Buffer.from((bytes as Uint8Array | null) ?? []).toString();
  /** All records, a partition after another. */
  const readAll = async () => {
    const records: { topic: string; partition: number; offset: number; key: string; value: string; headers: Record<string, string> }[] = [];
    for (const topic of topics) {
      for (const { partition, end } of await log.offsets(topic)) {
        if (end === 0) continue;
        for await (const batch of log.scan({ topic, partition, from: 0, to: end - 1 })) {
          for (const { offset, key, value, headers } of batch.records) {
            const texts = Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, text(bytes)]));
            records.push({ topic, partition, offset, key: text(key), value: text(value), headers: texts });
          }
        }
      }
    }
    return records;
  };
  return { publish, readAll, router, log };
}
