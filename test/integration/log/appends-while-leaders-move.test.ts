import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogError } from '../../../src/log/event-log.js';
import type { AppendResult, EventLog } from '../../../src/log/event-log.js';
import { KafkaCluster } from '../../platform/kafka-cluster.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { waitFor } from '../../platform/wait-for.js';
import { KafkaLogHarness } from './kafka-log-harness.js';

interface Sent {
  readonly key: string;
  readonly value: string;
  outcome: AppendResult | LogError | null;
}

/** Writers, one a key, each with several appends under way, that do not wait for one another. */
function keepAppending(log: EventLog, topic: string, keyCount: number) {
  const sent: Sent[] = [];
  let isOver = false;
  const write = async (key: string): Promise<void> => {
    const pending: Promise<void>[] = [];
    for (let count = 0; !isOver; count++) {
      const one: Sent = { key, value: `${key}#${count}`, outcome: null };
      sent.push(one);
      pending.push(
        log.append([{ topic, key, value: one.value }]).then(
          ([result]) => void (one.outcome = result ?? null),
          (error: unknown) => void (one.outcome = error instanceof LogError ? error : null),
        ),
      );
      if (pending.length >= 8) await pending.shift();
      if (count % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(pending);
  };
  const writing = Promise.all(Array.from({ length: keyCount }, (_, index) => write(`key-${index}`)));
  const stop = async (): Promise<readonly Sent[]> => {
    isOver = true;
    await writing;
    return sent;
  };
  return { sent, stop };
}

async function readAll(harness: KafkaLogHarness, topic: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const places = new Map<string, string[]>();
  const reader = await harness.openLog();
  for (const { partition, end } of await reader.offsets(topic)) {
    if (end === 0) continue;
    for await (const batch of reader.scan({ topic, partition, from: 0, to: end - 1 })) {
      for (const { value, offset } of batch.records) {
        const text = Buffer.from(value ?? []).toString();
        places.set(text, [...(places.get(text) ?? []), `${partition}/${offset}`]);
      }
    }
  }
  return places;
}

function judge(sent: readonly Sent[], places: ReadonlyMap<string, readonly string[]>): void {
  const wrong: string[] = [];
  const lastOffset = new Map<string, number>();
  for (const { key, value, outcome } of sent) {
    const found = places.get(value) ?? [];
    if (outcome === null) wrong.push(`${value}: no outcome`);
    else if (outcome instanceof LogError) {
      if (found.length > (outcome.outcomeUnknown ? 1 : 0)) wrong.push(`${value}: ${outcome.message}, and is at ${found.join()}`);
    } else {
      if (found.join() !== `${outcome.partition}/${outcome.offset}`)
        wrong.push(`${value}: told ${outcome.partition}/${outcome.offset}, is at ${found.join()}`);
      if (outcome.offset <= (lastOffset.get(key) ?? -1)) wrong.push(`${value}: at ${outcome.offset}, behind ${lastOffset.get(key)}`);
    }
    const [place] = found;
    if (place !== undefined) lastOffset.set(key, Number(place.split('/')[1]));
  }
  expect(wrong.slice(0, 10)).toEqual([]);
}

describe.skipIf(sharedKafka().isProvided)('appends while leaders move', () => {
  let cluster: KafkaCluster;
  let harness: KafkaLogHarness;
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ brokers: 3, properties: { 'min.insync.replicas': '2' } });
    harness = new KafkaLogHarness(cluster.brokers);
    await harness.admin.connect();
  }, 120_000);
  afterAll(async () => {
    await harness?.close();
    await cluster?.close();
  });

  const faults: readonly (readonly [string, (index: number) => Promise<void>])[] = [
    ['are stopped in turn', (index) => cluster.stop(index)],
    ['are killed in turn', (index) => cluster.kill(index)],
    [
      'stand still for longer than a request may take',
      async (index) => {
        cluster.pause(index);
        await new Promise((resolve) => setTimeout(resolve, 12_000));
        cluster.resume(index);
      },
    ],
  ];
  for (const [name, fault] of faults) {
    test(`brokers that ${name} lose, repeat and reorder nothing`, { timeout: 240_000 }, async () => {
      const topic = await harness.makeTopic(6);
      const log = await harness.openLog();
      const writers = keepAppending(log, topic, 12);
      const waitUntilFlowing = async (): Promise<void> => {
        const before = writers.sent.length;
        const count = (): number =>
          writers.sent.slice(before).filter(({ outcome }) => outcome !== null && !(outcome instanceof LogError)).length;
        await waitFor(() => count() > 100, { timeoutMs: 60_000, what: 'appends to go through' });
      };
      await waitUntilFlowing();
      for (const index of name.startsWith('stand') ? [0, 1] : [0, 1, 2]) {
        await fault(index);
        if (!name.startsWith('stand')) await cluster.start(index);
        await waitUntilFlowing();
      }
      const sent = await writers.stop();
      judge(sent, await readAll(harness, topic));
      expect(sent.filter(({ outcome }) => outcome !== null && !(outcome instanceof LogError)).length).toBeGreaterThan(300);
    });
  }
});
