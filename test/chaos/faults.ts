import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from './random.js';
import type { Storm } from './storm.js';

/** Something that happens to the world, and is over when `run` returns. */
export interface Fault {
  readonly name: string;
  /** Kafka goes on throughout: live streams must not stutter for those who stay connected to a living node. */
  readonly isCalm: boolean;
  readonly brokers?: 3;
  /** At most so often in one world. */
  readonly timesMax?: number;
  run(storm: Storm, random: SeededRandom): Promise<void>;
}

const edgeKilled: Fault = {
  name: 'edge killed',
  isCalm: false,
  async run({ world }, random) {
    const { node } = random.pick(world.edges);
    await node.kill();
    await sleep(random.between(100, 2_000));
    await node.start();
  },
};

const rollingRestart: Fault = {
  name: 'rolling restart',
  isCalm: false,
  async run({ world }) {
    for (const { node } of [...world.edges, ...world.indexers]) {
      await node.stop();
      await node.start();
    }
  },
};

const edgeStalled = (stallMs: number): Fault => ({
  name: `edge stalled ${stallMs / 1_000} s`,
  isCalm: false,
  async run({ world }, random) {
    const { node } = random.pick(world.edges);
    node.pause();
    await sleep(stallMs);
    node.resume();
    await sleep(2_000);
  },
});

const emptyEdge: Fault = {
  name: 'readers from long ago at a new edge',
  isCalm: false,
  async run(storm) {
    const edge = await storm.world.addEdge();
    for (const reader of storm.hibernators) {
      reader.onlyNode = edge;
      reader.release();
    }
    await sleep(4_000);
    await storm.world.removeEdge(edge);
    for (const reader of storm.hibernators) {
      reader.onlyNode = null;
      reader.holdAway();
    }
  },
};

const indexerKilled: Fault = {
  name: 'indexer killed',
  isCalm: true,
  async run({ world }, random) {
    const { node } = random.pick(world.indexers);
    await node.kill();
    await sleep(random.between(500, 3_000));
    await node.start();
    await sleep(2_000);
  },
};

const indexersAway = (awayMs: number): Fault => ({
  name: `indexers away ${awayMs / 1_000} s`,
  isCalm: true,
  async run({ world }) {
    await Promise.all(world.indexers.map(({ node }) => node.kill()));
    await sleep(awayMs);
    await Promise.all(world.indexers.map(({ node }) => node.start()));
    await sleep(2_000);
  },
});

const redisKilled: Fault = {
  name: 'Redis killed, back empty',
  isCalm: true,
  async run({ world }, random) {
    await world.redis.kill();
    await sleep(random.between(500, 5_000));
    await world.redis.start();
    await sleep(2_000);
  },
};

const redisFlushed: Fault = {
  name: 'Redis flushed',
  isCalm: true,
  async run({ world }) {
    await world.redis.flush();
    await sleep(3_000);
  },
};

const redisPaused: Fault = {
  name: 'Redis paused 5 s',
  isCalm: true,
  async run({ world }) {
    world.redis.pause();
    await sleep(5_000);
    world.redis.resume();
    await sleep(2_000);
  },
};

const brokerRestarted: Fault = {
  name: 'broker restarted',
  isCalm: false,
  async run({ world }, random) {
    const index = random.below(world.options.brokers);
    await world.kafka.stop(index);
    await world.kafka.start(index);
    await sleep(4_000);
  },
};

const brokerKilled: Fault = {
  name: 'broker killed',
  isCalm: false,
  async run({ world }, random) {
    const index = random.below(world.options.brokers);
    await world.kafka.kill(index);
    await sleep(random.between(500, 4_000));
    await world.kafka.start(index);
    await sleep(4_000);
  },
};

const brokerPaused: Fault = {
  name: 'broker paused 20 s',
  isCalm: false,
  async run({ world }, random) {
    const index = random.below(world.options.brokers);
    world.kafka.pause(index);
    await sleep(20_000);
    world.kafka.resume(index);
    await sleep(5_000);
  },
};

/** Each broker in turn goes for long enough that all its partitions get other leaders. */
const leadersMoved: Fault = {
  name: 'leaders moved',
  isCalm: false,
  brokers: 3,
  async run({ world }, random) {
    for (const index of random.shuffled([0, 1, 2])) {
      await world.kafka.stop(index);
      await sleep(3_000);
      await world.kafka.start(index);
      await sleep(5_000);
    }
  },
};

const partitionsAdded: Fault = {
  name: 'partitions added',
  isCalm: false,
  timesMax: 3,
  async run({ world, producers }, random) {
    for (const { producer, topic } of producers) {
      const count = producer.partitionCount + 1 + random.below(3);
      await world.growTopic(topic, count);
      // Producers learn of it later than the cluster, and not at one time.
      await sleep(random.between(0, 3_000));
      producer.grow(count);
    }
    await sleep(3_000);
  },
};

/** The faults of the form that belongs to every test run. */
export const shortFaults: readonly Fault[] = [
  edgeKilled,
  redisKilled,
  indexerKilled,
  brokerKilled,
  partitionsAdded,
  edgeStalled(12_000),
  rollingRestart,
  emptyEdge,
];

/** All of them. */
export const longFaults: readonly Fault[] = [
  edgeKilled,
  rollingRestart,
  edgeStalled(35_000),
  emptyEdge,
  indexerKilled,
  indexersAway(10_000),
  redisKilled,
  redisFlushed,
  redisPaused,
  brokerRestarted,
  brokerKilled,
  brokerPaused,
  leadersMoved,
  partitionsAdded,
];
