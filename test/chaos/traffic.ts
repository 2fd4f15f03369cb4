import kafkajs from 'kafkajs';
import type { SeededRandom } from './random.js';
import { kinds, sessions } from './records.js';
import type { Draft } from './steady-producer.js';

const keyCount = 24;
/** The last stage is fat: its records are what a stopped reader chokes on. */
const stages = ['a', 'b', 'c', 'd', 'e', 'fat'] as const;
const projects = ['p0', 'p1', 'p2', 'p3'] as const;
const padBytes = 16_384;
const smallPadBytes = 200;

export const keyChannels = Array.from({ length: keyCount }, (_, i) => `k.key${i}`);
export const stageChannels = stages.slice(0, -1).map((stage) => `stage.${stage}`);
export const fatChannel = 'stage.fat';
export const projectChannels = projects.map((project) => `project.${project}`);

/** Numbers the records of each channel. */
export class Sequences {
  readonly #last = new Map<string, number>();

  next(name: string): number {
    const seq = (this.#last.get(name) ?? 0) + 1;
    this.#last.set(name, seq);
    return seq;
  }
}

const partitioner = kafkajs.Partitioners.DefaultPartitioner();

/** The partition that kafkajs' own default partitioner gives to a key. */
export function partitionOf(topic: string, key: string, partitionCount: number): number {
  const partitionMetadata = Array.from({ length: partitionCount }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  return partitioner({ topic, partitionMetadata, message: { key, value: '' } });
}

export function draftKeyed(topic: string, random: SeededRandom, sequences: Sequences): (partitionCount: number) => Draft {
  return (partitionCount) => draftForKey(topic, `key${random.below(keyCount)}`, partitionCount, random, sequences);
}

export function draftForKey(topic: string, key: string, partitionCount: number, random: SeededRandom, sequences: Sequences): Draft {
  const value = { seq: sequences.next(key), kind: random.pick(kinds), session: random.pick(sessions), pad: 'x'.repeat(smallPadBytes) };
  return { key, partition: partitionOf(topic, key, partitionCount), value };
}

export function draftUnkeyed(random: SeededRandom, sequences: Sequences): (partitionCount: number) => Draft {
  return (partitionCount) => {
    const stage = random.pick(stages);
    const value = {
      seq: sequences.next(stage),
      kind: random.pick(kinds),
      session: random.pick(sessions),
      stage,
      project: stage === 'fat' ? 'fat' : random.pick(projects),
      pad: 'x'.repeat(stage === 'fat' ? padBytes : smallPadBytes),
    };
    return { key: null, partition: random.below(partitionCount), value };
  };
}

/** A mark at the end of every partition that a channel lives in. */
export function keyedMarks(topic: string, partitionCount: number, sequences: Sequences): Draft[] {
  return Array.from({ length: keyCount }, (_, i) => {
    const key = `key${i}`;
    return { key, partition: partitionOf(topic, key, partitionCount), value: { seq: sequences.next(key), kind: 'mark', session: 's0' } };
  });
}

export function unkeyedMarks(partitionCount: number, sequences: Sequences): Draft[] {
  return Array.from({ length: partitionCount }, (_, partition) =>
    stages.map((stage, i): Draft => {
      const project = stage === 'fat' ? 'fat' : (projects[i % projects.length] ?? 'p0');
      return { key: null, partition, value: { seq: sequences.next(stage), kind: 'mark', session: 's0', stage, project } };
    }),
  ).flat();
}
