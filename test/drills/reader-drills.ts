import { setTimeout as sleep } from 'node:timers/promises';
import { decodePosition, encodePosition } from '../../src/protocol/position.js';
import { Crowd, visit } from './many-streams.js';
import { connectionsMax } from './drill-world.js';
import type { DrillWorld } from './drill-world.js';
import type { Drill } from './run-drill.js';

const usual = { factor: 60, firesWithinSeconds: 60, clearsWithinSeconds: 60 } as const;
const fatBytes = 100_000;

const eventsOf = (world: DrillWorld, edge: number, channel: string): string =>
  `${world.edges[edge]!.node.url}/v1/events?channel=${channel}`;

async function writeFat(world: DrillWorld, count: number): Promise<void> {
  const value = 'x'.repeat(fatBytes);
  for (let left = count; left > 0; left -= 5)
    await world.fixture.send(
      'fat',
      Array.from({ length: 5 }, () => ({ value })),
    );
}

function readersStall(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'readers that take nothing',
    fires: ['SelvageSlowReaders'],
    fault: async (world) => {
      await crowd.stall(world.edges[0]!.port, 'fat', 10);
      await writeFat(world, 60);
    },
    mend: () => crowd.close(),
  };
}

function reconnectStorm(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'readers that come back again and again',
    fires: ['SelvageReconnectStorm'],
    fault: async (world) => {
      const lastEventId = await visit(eventsOf(world, 0, 'k.key0'));
      crowd.keepDoing(60, async (n) => visit(eventsOf(world, n % 2, 'k.key0'), { lastEventId }));
    },
    mend: () => crowd.close(),
  };
}

function nearLimit(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'nearly as many streams as a node may have',
    fires: ['SelvageConnectionsNearLimit'],
    fault: (world) => crowd.open(eventsOf(world, 0, 'k.key0'), Math.round(0.88 * connectionsMax)),
    mend: () => crowd.close(),
  };
}

/** Both edges are full, and more come: the fabric's own fault, told by answers of 200. */
function overloaded(): Drill {
  const crowd = new Crowd();
  return {
    name: 'more streams than the nodes may have',
    factor: 300,
    fires: ['SelvageConnectsFailing', 'SelvageConnectionsNearLimit'],
    mayFollow: ['SelvageConnectBudgetBurning'],
    firesWithinSeconds: 60,
    clearsWithinSeconds: 120,
    fault: async (world) => {
      for (const edge of [0, 1]) await crowd.open(eventsOf(world, edge, 'k.key0'), connectionsMax);
      crowd.keepDoing(20, async (n) => visit(eventsOf(world, n % 2, 'k.key0')));
    },
    mend: () => crowd.close(),
  };
}

/** Their own fault: no alert at all, for as long as the promise of connects takes to page, and longer. */
function badTokens(): Drill {
  const crowd = new Crowd();
  return {
    name: 'callers without a good token',
    factor: 60,
    fires: [],
    firesWithinSeconds: 1,
    clearsWithinSeconds: 10,
    quietSeconds: 25,
    fault: async (world) => {
      crowd.keepDoing(20, async (n) => visit(eventsOf(world, n % 2, 'k.key0'), { token: 'no.good.token' }));
      crowd.keepDoing(10, async (n) => visit(eventsOf(world, n % 2, 'no.such.channel')));
    },
    mend: () => crowd.close(),
  };
}

/** One user asks for more than a user may have: a ticket, no broken promise. */
function greedyUser(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'a user far over its limits',
    fires: ['SelvageLimitsRefusing'],
    fault: async (world) => {
      const token = await world.keys.sign('greedy');
      crowd.keepDoing(20, async (n) => visit(eventsOf(world, n % 2, 'k.key0'), { token }));
    },
    mend: () => crowd.close(),
  };
}

/** Positions that nobody gave them, or of another cluster: a ticket, no broken promise. */
function oldPositions(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'readers with positions that are none',
    factor: 120,
    fires: ['SelvageReadersLate'],
    fault: async (world) => {
      crowd.keepDoing(8, async (n) => visit(eventsOf(world, n % 2, 'k.key0'), { lastEventId: 'none-of-ours' }));
    },
    mend: () => crowd.close(),
  };
}

/** A topic that its nodes read is made again: whoever reads it is told. */
const topicMadeAgain: Drill = {
  name: 'a topic made again',
  factor: 200,
  fires: ['SelvageTopicBeganAnew'],
  firesWithinSeconds: 30,
  clearsWithinSeconds: 60,
  fault: async (world) => {
    const records = Array.from({ length: 50 }, (_, n) => ({ value: `before ${n}` }));
    await world.fixture.send('reborn', records);
    await sleep(500);
    await world.fixture.admin.deleteTopics({ topics: ['reborn'] });
    await sleep(1_000);
    await world.makeTopic('reborn', 1);
    await world.fixture.send('reborn', [{ value: 'after' }]);
  },
  mend: async () => undefined,
};

/** A position beyond the end of its partitions, as one is after Kafka has lost its newest records: the reader is told a gap, which is the fabric's doing. */
async function lostPosition(world: DrillWorld): Promise<string> {
  const position = decodePosition(await visit(eventsOf(world, 0, 'k.key0')));
  if (position === null) throw new Error('no position');
  const topics = position.topics.map((entry) =>
    entry.kind === 'time'
      ? entry
      : { ...entry, cursors: new Map([...entry.cursors].map(([partition, cursor]) => [partition, cursor + 1_000_000])) },
  );
  return encodePosition({ ...position, topics });
}

function resumesGapped(): Drill {
  const crowd = new Crowd();
  return {
    name: 'readers whose positions Kafka has lost',
    factor: 300,
    fires: ['SelvageResumesGapped'],
    mayFollow: ['SelvageResumeBudgetBurning'],
    firesWithinSeconds: 60,
    clearsWithinSeconds: 120,
    fault: async (world) => {
      const lastEventId = await lostPosition(world);
      crowd.keepDoing(4, async (n) => visit(eventsOf(world, n % 2, 'k.key0'), { lastEventId }));
    },
    mend: () => crowd.close(),
  };
}

/** One return in two hundred is told a gap: no page, a ticket. So many returns are a storm beside it. */
function resumeBudget(): Drill {
  const crowd = new Crowd();
  return {
    name: 'a few readers whose positions Kafka has lost',
    factor: 300,
    fires: ['SelvageResumeBudgetBurning', 'SelvageReconnectStorm'],
    firesWithinSeconds: 90,
    clearsWithinSeconds: 150,
    fault: async (world) => {
      const good = await visit(eventsOf(world, 0, 'k.key0'));
      const lost = await lostPosition(world);
      crowd.keepDoing(60, async (n) => visit(eventsOf(world, n % 2, 'k.key0'), { lastEventId: n % 220 === 1 ? lost : good }));
    },
    mend: () => crowd.close(),
  };
}

function recentFull(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'more events than fit in memory',
    fires: ['SelvageRecentFull'],
    // They age for `recent.ageSeconds` after the last one.
    clearsWithinSeconds: 90,
    fault: async (world) => crowd.keepDoing(1, () => writeFat(world, 10)),
    mend: () => crowd.close(),
  };
}

/** What readers and clients do to a deployment. */
export const readerDrills: readonly Drill[] = [
  readersStall(),
  reconnectStorm(),
  nearLimit(),
  overloaded(),
  badTokens(),
  greedyUser(),
  oldPositions(),
  topicMadeAgain,
  resumesGapped(),
  resumeBudget(),
  recentFull(),
];
