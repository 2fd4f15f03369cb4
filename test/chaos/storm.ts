import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../platform/wait-for.js';
import { gatherCrowd } from './crowd.js';
import type { CrowdOptions } from './crowd.js';
import { Delays } from './delays.js';
import type { Fault } from './faults.js';
import { isAtHead, Judge, Truth } from './judge.js';
import type { Verdict } from './judge.js';
import { SeededRandom } from './random.js';
import type { Reader } from './reader.js';
import { readTruth } from './read-truth.js';
import type { TrueRecord } from './records.js';
import { SteadyProducer } from './steady-producer.js';
import { draftKeyed, draftUnkeyed, keyedMarks, Sequences, unkeyedMarks } from './traffic.js';
import { firstPartitionCount, World } from './world.js';
import type { WorldOptions } from './world.js';

export interface StormOptions {
  readonly world: WorldOptions;
  readonly crowd: CrowdOptions;
  readonly seed: number;
  readonly draftsEveryTick: number;
  readonly log: (line: string) => void;
}

interface NamedProducer {
  readonly topic: string;
  readonly producer: SteadyProducer;
}

/** How a fault went. */
export interface FaultRecord {
  readonly name: string;
  readonly isCalm: boolean;
  readonly startMs: number;
  readonly endMs: number;
  /** From its end until every steady reader had something made after it; null: not within the bound. */
  readonly recoveryMs: number | null;
  /** Whose events or acknowledgements came last. */
  readonly lastToRecover: string;
}

export interface JudgedReader {
  readonly reader: Reader;
  readonly verdict: Verdict;
}

export interface Outcome {
  readonly truth: Truth;
  readonly judged: readonly JudgedReader[];
  readonly faults: readonly FaultRecord[];
  /** Acknowledged to the producer, yet not in Kafka where it said. */
  readonly unwritten: readonly string[];
  readonly recordCount: number;
  readonly maybeCount: number;
  /** As the edges counted them, by tier and outcome, since each of them began. */
  readonly resumes: ReadonlyMap<string, number>;
}

const warmUpMs = 5_000;
const recoveryMsMax = 60_000;
const headMsMax = 60_000;

/** A world, its traffic and its readers, and what happens to them. */
export class Storm {
  readonly world: World;
  readonly readers: readonly Reader[];
  readonly producers: readonly NamedProducer[];
  readonly delays = new Delays();
  readonly #options: StormOptions;
  readonly #random: SeededRandom;
  readonly #sequences = new Sequences();
  readonly #faults: FaultRecord[] = [];
  #recordCount = 0;

  private constructor(world: World, options: StormOptions) {
    this.world = world;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.producers = this.#createProducers();
    this.readers = gatherCrowd(options.crowd, this.#random.fork(), {
      nodes: () => world.edges,
      onDelay: (reader, madeAtMs, delayMs) => {
        if (reader.habits.name === 'steady') this.delays.add(reader.name, madeAtMs, delayMs);
      },
    });
  }

  static async start(options: StormOptions): Promise<Storm> {
    const storm = new Storm(await World.start(options.world), options);
    for (const { producer } of storm.producers) producer.start();
    for (const reader of storm.readers) reader.start();
    await sleep(warmUpMs);
    for (const reader of storm.hibernators) reader.holdAway();
    return storm;
  }

  /** Readers that stay away until they are sent somewhere. */
  get hibernators(): readonly Reader[] {
    return this.readers.filter(({ habits }) => habits.name === 'hibernator');
  }

  get steadyReaders(): readonly Reader[] {
    return this.readers.filter(({ habits }) => habits.name === 'steady');
  }

  /** Lets a fault happen, and waits until everything flows again. */
  async suffer(fault: Fault): Promise<void> {
    const startMs = Date.now();
    this.#options.log(`  ${fault.name} ...`);
    await fault.run(this, this.#random.fork());
    const endMs = Date.now();
    const recovery = await this.#recover(endMs);
    this.#faults.push({ name: fault.name, isCalm: fault.isCalm, startMs, endMs, ...recovery });
  }

  /** Ends the traffic, brings every reader to the head, and judges. */
  async conclude(): Promise<Outcome> {
    const { keyed, unkeyed } = this.world.topics;
    for (const { topic, producer } of this.producers) {
      const count = producer.partitionCount;
      await producer.finish(topic === keyed ? keyedMarks(keyed, count, this.#sequences) : unkeyedMarks(count, this.#sequences));
    }
    const records = (await Promise.all([keyed, unkeyed].map((topic) => readTruth(this.world.kafka.brokers, topic)))).flat();
    const truth = new Truth([keyed, unkeyed], records);
    for (const reader of this.readers) reader.calm();
    await waitFor(() => this.readers.every(({ asked, lastId }) => isAtHead(truth, asked, lastId)), {
      timeoutMs: headMsMax,
      everyMs: 250,
      what: 'every reader at the head',
    }).catch(() => undefined); // the judge names those that are not
    await Promise.all(this.readers.map((reader) => reader.stop()));
    const resumes = await this.world.countResumes();
    return {
      resumes,
      truth,
      judged: this.readers.map((reader) => ({ reader, verdict: new Judge(truth, reader).judge() })),
      faults: this.#faults,
      unwritten: this.#findUnwritten(truth),
      recordCount: records.length,
      maybeCount: this.producers.reduce((sum, { producer }) => sum + producer.maybe.size, 0),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.stop()));
    await this.world.close();
  }

  async #recover(sinceMs: number): Promise<{ readonly recoveryMs: number | null; readonly lastToRecover: string }> {
    let lastToRecover = '';
    const isFlowing = (): boolean => {
      const waiting = [
        ...this.producers.filter(({ producer }) => !producer.isUpToDate).map(({ topic }) => `producer of ${topic}`),
        ...this.steadyReaders.filter(({ name }) => this.delays.newest(name) <= sinceMs).map(({ name }) => name),
      ];
      lastToRecover = waiting[0] ?? lastToRecover;
      return waiting.length === 0;
    };
    try {
      await waitFor(isFlowing, { timeoutMs: recoveryMsMax, everyMs: 50, what: 'recovery' });
      return { recoveryMs: Date.now() - sinceMs, lastToRecover };
    } catch {
      return { recoveryMs: null, lastToRecover };
    }
  }

  #createProducers(): NamedProducer[] {
    const { keyed, unkeyed } = this.world.topics;
    const drafts = [
      { topic: keyed, draft: draftKeyed(keyed, this.#random.fork(), this.#sequences) },
      { topic: unkeyed, draft: draftUnkeyed(this.#random.fork(), this.#sequences) },
    ];
    return drafts.map(({ topic, draft }) => ({
      topic,
      producer: new SteadyProducer(
        {
          brokers: this.world.kafka.brokers.split(','),
          topic,
          draft,
          draftsEveryTick: this.#options.draftsEveryTick,
          nextNumber: () => ++this.#recordCount,
        },
        firstPartitionCount,
      ),
    }));
  }

  #findUnwritten(truth: Truth): string[] {
    return this.producers.flatMap(({ topic, producer }) =>
      producer.acknowledged.flatMap(({ n, partition, offset }) => {
        const record: TrueRecord | undefined = truth.byNumber.get(n);
        const isThere = record?.partition === partition && record.offset === offset;
        return isThere ? [] : [`record ${n} of ${topic}/${partition}@${offset}`];
      }),
    );
  }
}
