import kafkajs from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodePosition } from '../../src/protocol/position.js';
import { waitFor } from '../platform/wait-for.js';
import type { SeededRandom } from './random.js';
import { Reader } from './reader.js';
import type { Habits } from './reader.js';
import { readTruth } from './read-truth.js';
import type { RecordValue, TrueRecord } from './records.js';
import { partitionOf } from './traffic.js';
import type { World } from './world.js';
import { rebornPartitionCount } from './world.js';

const keys = ['r0', 'r1', 'r2', 'r3'] as const;
const recordsBefore = 400;
/** The new topic stays below the old one's offsets: past them no one could tell (positions hold no topic ids). */
const recordsAfter = 40;
const toldMsMax = 45_000;

/**
 * A topic is deleted under its readers and made again. Each is told a gap before the first event of the new topic; from there on it has every one, once and in order.
 * Returns sentences for what is wrong.
 */
export async function deleteAndMakeAgain(world: World, random: SeededRandom): Promise<string[]> {
  const readers = gatherReaders(world, random);
  const write = writerTo(world);
  try {
    for (const reader of readers) reader.start();
    await waitFor(() => readers.every(({ lastId }) => lastId !== null), { what: 'positions', timeoutMs: 20_000 });
    await write(recordsBefore);
    await waitFor(() => readers.every(({ eventCount }) => eventCount >= recordsBefore / keys.length), {
      what: 'the old events',
      timeoutMs: 20_000,
    });
    readers.at(-1)?.holdAway();
    await world.deleteTopic(world.topics.reborn);
    await sleep(random.between(0, 6_000));
    await world.createReborn();
    const bornAtMs = Date.now();
    await sleep(random.between(0, 3_000));
    await write(recordsAfter);
    await sleep(500);
    readers.at(-1)?.release();
    const records = (await readTruth(world.kafka.brokers, world.topics.reborn)).filter(({ at }) => at >= bornAtMs);
    const problems = (): string[] => readers.flatMap((reader) => judgeReborn(reader, records));
    await waitFor(() => problems().length === 0, { what: 'the new events', timeoutMs: toldMsMax, everyMs: 200 }).catch(() => undefined);
    return problems();
  } finally {
    await Promise.all(readers.map((reader) => reader.stop()));
  }
}

/** What is wrong with one reader's view of the new topic. */
function judgeReborn(reader: Reader, records: readonly TrueRecord[]): string[] {
  const expected = records.filter(({ channels }) => channels.some((channel) => reader.asked.channels.includes(channel)));
  const known = new Map(expected.map((record) => [record.n, record]));
  const arrived: TrueRecord[] = [];
  const covered = new Map<number, number>();
  const problems: string[] = [];
  let isTold = false;
  for (const moment of reader.moments) {
    if (moment.what === 'gap') {
      isTold = true;
      for (const { partition, cursor } of cursorsOf(moment.id)) covered.set(partition, cursor);
    } else if (moment.what === 'event') {
      const record = known.get(moment.n);
      if (record === undefined) continue;
      if (!isTold) problems.push(`${reader.name}: an event of the new topic came before a gap was told`);
      arrived.push(record);
    }
  }
  if (!isTold) problems.push(`${reader.name}: no gap was told`);
  if (new Set(arrived).size < arrived.length) problems.push(`${reader.name}: events of the new topic came twice`);
  for (const record of expected) {
    if (arrived.includes(record) || record.offset <= (covered.get(record.partition) ?? -1)) continue;
    problems.push(
      `${reader.name}: ${record.partition}@${record.offset} of the new topic neither came nor is in a gap (${expected.length} expected, ${arrived.length} came)`,
    );
    break;
  }
  return [...problems, ...reader.complaints.map((complaint) => `${reader.name}: ${complaint}`)];
}

function cursorsOf(id: string): { partition: number; cursor: number }[] {
  return (decodePosition(id)?.topics ?? []).flatMap((entry) =>
    entry.kind === 'offsets' ? [...entry.cursors].map(([partition, cursor]) => ({ partition, cursor })) : [],
  );
}

function gatherReaders(world: World, random: SeededRandom): Reader[] {
  const habits: Habits[] = [
    { name: 'steady', silenceMs: 60_000 },
    { name: 'steady', silenceMs: 60_000 },
    { name: 'dropper', silenceMs: 60_000, dropAfter: [300, 4_000], awayFor: [0, 1_500] },
    { name: 'away', silenceMs: 60_000 },
  ];
  return habits.map(
    (habit, i) =>
      new Reader(`reborn-${habit.name}-${i}`, habit, {
        random: random.fork(),
        asked: { channels: [`r.${keys[i] ?? 'r0'}`], kind: null, session: null, format: 'plain' },
        nodes: () => world.edges,
        onDelay: () => undefined,
      }),
  );
}

/** Writes so many records, spread evenly over the keys. */
function writerTo(world: World): (count: number) => Promise<void> {
  let n = 0;
  const topic = world.topics.reborn;
  return async (count) => {
    const producer = new kafkajs.Kafka({
      clientId: 'chaos-reborn',
      brokers: world.kafka.brokers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    }).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    const messages = Array.from({ length: count }, (_, i) => {
      const key = keys[i % keys.length] ?? 'r0';
      const value: RecordValue = { n: ++n, seq: i, at: Date.now(), kind: 'step', session: 's0' };
      return { key, partition: partitionOf(topic, key, rebornPartitionCount), value: JSON.stringify(value) };
    });
    await producer.send({ topic, messages });
    await producer.disconnect();
  };
}
