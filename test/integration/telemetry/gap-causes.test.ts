import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../platform/free-port.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { readMetric, startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';

const { brokers } = sharedKafka();
let kafka: KafkaFixture;

beforeAll(async () => {
  kafka = await KafkaFixture.connect(brokers);
});
afterAll(() => kafka.close());

interface Told {
  readonly reason: string;
  readonly late: number;
  readonly gap: number;
  /** Gaps by what caused them. */
  readonly reader: number;
  readonly fabric: number;
}

/** A reader comes back with `positionOf(first position)` to a node that has begun anew behind 50 records, of which a replay may look at 10. */
async function comeBack(redisUrl: string | null, positionOf: (position: string) => string = (position) => position): Promise<Told> {
  const topic = await kafka.makeTopic(1);
  const env = { SELVAGE_REPLAY_SCAN_RECORDS_MAX: '10', SELVAGE_WINDOW_EVENTS_PER_CHANNEL_MAX: '5' };
  await using node = await startNode({ brokers, redisUrl, routes: [{ topic, channels: ['k.{key}'], keyed: 'murmur2' }], env });
  using before = await SseReader.open(node, 'channel=k.k');
  const start = before.lastId ?? '';
  await kafka.send(
    topic,
    Array.from({ length: 50 }, (_, n) => ({ key: 'k', value: String(n) })),
  );
  await before.take(50);
  await node.stop();
  await node.start();
  using reader = await SseReader.open(node, 'channel=k.k', { lastEventId: positionOf(start) });
  await reader.until(() => reader.gaps.length > 0, 'a gap');
  await kafka.send(topic, [{ key: 'k', value: 'live' }]);
  await reader.until(() => reader.datas.includes('live'), 'the live event');
  return { reason: String(reader.gaps[0]?.reason), ...(await readOutcomes(node)) };
}

async function readOutcomes(node: SelvageNode): Promise<Omit<Told, 'reason'>> {
  const [late, gap, reader, fabric] = await Promise.all([
    readMetric(node, 'selvage_resumes_total', { outcome: 'late' }),
    readMetric(node, 'selvage_resumes_total', { outcome: 'gap' }),
    readMetric(node, 'selvage_gaps_total', { cause: 'reader' }),
    readMetric(node, 'selvage_gaps_total', { cause: 'fabric' }),
  ]);
  return { late, gap, reader, fabric };
}

const ofReader = { late: 1, gap: 0, reader: 1, fabric: 0 };
const ofFabric = { late: 0, gap: 1, reader: 0, fabric: 1 };

test.concurrent('a position that cannot be read is the reader’s own doing', async () => {
  expect(await comeBack(null, () => 'garbage')).toEqual({ reason: 'unknown-position', ...ofReader });
});

test.concurrent('a position of another cluster is the fabric’s doing: the reader only came back', async () => {
  const other = (position: string): string => `1${position.startsWith('1aaaa') ? 'bbbb' : 'aaaa'}${position.slice(5)}`;
  expect(await comeBack(null, other)).toEqual({ reason: 'other-cluster', ...ofFabric });
});

test.concurrent('a position beyond the log’s end is the fabric’s doing: somebody had written it there', async () => {
  expect(await comeBack(null, (position) => position.replace(/[^-]+$/, 'zzzz'))).toEqual({ reason: 'future-position', ...ofFabric });
});

test.concurrent('more than may be read is the reader’s doing where the window is as it should be', async () => {
  expect(await comeBack(sharedRedis().url)).toEqual({ reason: 'too-far', ...ofReader });
});

test.concurrent('more than may be read is the fabric’s doing while Redis, which would have had it, is away', async () => {
  expect(await comeBack(`redis://127.0.0.1:${await freePort()}`)).toEqual({ reason: 'too-far', ...ofFabric });
});
