import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../platform/wait-for.js';
import type { DrillWorld } from './drill-world.js';
import { Crowd, revoke, visit } from './many-streams.js';
import type { Drill } from './run-drill.js';

const usual = { factor: 60, firesWithinSeconds: 60, clearsWithinSeconds: 60 } as const;
const chaffBytes = 10_000;
const chaffBatch = 50;
/** A fetch of a node is a megabyte of a partition: half a second of it. */
const narrowBytesPerSecond = 2_000_000;
/** What is fetched takes longer than an event may. */
const tooNarrowBytesPerSecond = 800_000;

/** Records that every node reads and no route selects: only the reading of them costs. */
async function writeChaff({ fixture }: DrillWorld, bytes: number): Promise<void> {
  const value = 'x'.repeat(chaffBytes);
  for (let left = bytes; left > 0; left -= chaffBytes * chaffBatch) {
    await fixture.send(
      'chaff',
      Array.from({ length: chaffBatch }, () => ({ value })),
    );
  }
}

const tailStalled: Drill = {
  ...usual,
  name: 'one edge cut off from Kafka',
  // Not ready 3 s after it began, silent after 15 s: the waits keep the alerts in their order.
  factor: 8,
  fires: ['SelvageTailStalled'],
  fault: async ({ edgeGate }) => edgeGate.shut(),
  mend: async ({ edgeGate }) => edgeGate.open(),
  mayFollow: ['SelvageDeliverySlow', 'SelvageDeliveryBudgetBurning'],
};

/** A narrow network: the edge reads, and never catches up. Its readers' events wait behind the rest. */
const tailLagging: Drill = {
  ...usual,
  name: 'a narrow network between one edge and Kafka',
  fires: ['SelvageTailLagging', 'SelvageDeliverySlow'],
  mayFollow: ['SelvageDeliveryBudgetBurning'],
  fault: async (world) => {
    world.edgeGate.narrow(tooNarrowBytesPerSecond);
    await writeChaff(world, 60_000_000);
  },
  mend: async ({ edgeGate }) => edgeGate.open(),
};

const indexerLagging: Drill = {
  ...usual,
  name: 'a narrow network between the indexers and Kafka',
  fires: ['SelvageIndexerLagging'],
  fault: async (world) => {
    world.indexerGate.narrow(narrowBytesPerSecond);
    await writeChaff(world, 60_000_000);
  },
  mend: async ({ indexerGate }) => indexerGate.open(),
};

/** The network stands still for seconds, again and again. */
function stutter(world: DrillWorld, crowd: Crowd, shutMs: number, openMs: number): void {
  crowd.keepDoing(1_000 / (shutMs + openMs), async () => {
    world.edgeGate.shut();
    await sleep(shutMs);
    world.edgeGate.open();
  });
}

/** One in fifty or so is late: no page, a ticket. */
function deliveryBudget(): Drill {
  const crowd = new Crowd();
  return {
    name: 'a network that hesitates now and then',
    factor: 300,
    fires: ['SelvageDeliveryBudgetBurning'],
    firesWithinSeconds: 90,
    clearsWithinSeconds: 150,
    fault: async (world) => stutter(world, crowd, 1_300, 3_700),
    mend: async ({ edgeGate }) => {
      await crowd.close();
      await sleep(3_000);
      edgeGate.open();
    },
  };
}

/** Commands reach the edge seconds after they were sent, and events too. */
function controlLagging(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'commands that arrive late',
    factor: 30,
    fires: ['SelvageControlLagging'],
    mayFollow: ['SelvageDeliverySlow', 'SelvageDeliveryBudgetBurning'],
    firesWithinSeconds: 90,
    fault: async (world) => {
      stutter(world, crowd, 8_000, 500);
      crowd.keepDoing(2, (n) => revoke(world.edges[1]!.node, `late-${n % 50}`));
    },
    mend: async ({ edgeGate }) => {
      await crowd.close();
      await sleep(9_000);
      edgeGate.open();
    },
  };
}

const oldEnoughMs = 160_000;

/** Readers with positions older than the window, while Kafka is slow to answer: their reads wait for each other. */
function replaysQueued(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'many readers from long ago at one edge',
    fires: ['SelvageReplaysQueued'],
    mayFollow: ['SelvageDeliverySlow', 'SelvageDeliveryBudgetBurning'],
    firesWithinSeconds: 14,
    fault: async (world) => {
      await waitFor(() => Date.now() - world.bornAtMs > oldEnoughMs, { timeoutMs: oldEnoughMs, everyMs: 500, what: 'a world that is old' });
      const { url } = world.edges[0]!.node;
      world.edgeGate.shut();
      for (let i = 0; i < 36; i++) {
        const asked = `${url}/v1/events?channel=k.key${i % 24}&type=nothing-${i}`;
        void crowd.open(asked, 1, { lastEventId: world.firstIds[i % 24] ?? '' });
      }
    },
    mend: async ({ edgeGate }) => {
      edgeGate.open();
      await crowd.close();
    },
  };
}

/** One caller in two hundred is refused by the fabric's own fault: no page, a ticket. */
function connectBudget(): Drill {
  const crowd = new Crowd();
  return {
    name: 'the permission hook fails now and then',
    factor: 300,
    fires: ['SelvageConnectBudgetBurning'],
    firesWithinSeconds: 90,
    clearsWithinSeconds: 150,
    fault: async ({ app, keys, edges }) => {
      const tokens = await Promise.all(Array.from({ length: 400 }, (_, n) => keys.sign(`visitor ${n}`)));
      app.failsEvery = 220;
      crowd.keepDoing(80, async (n) => {
        const url = `${edges[n % 3]!.node.url}/hooked/key0?format=json&wait=0`;
        await visit(url, { token: tokens[n % tokens.length] ?? '', headers: { Accept: 'application/json' } });
      });
    },
    mend: async ({ app }) => {
      await crowd.close();
      app.failsEvery = 0;
    },
  };
}

/** What networks and the time that they take do to a deployment. */
export const networkDrills: readonly Drill[] = [
  tailStalled,
  tailLagging,
  indexerLagging,
  deliveryBudget(),
  controlLagging(),
  connectBudget(),
  replaysQueued(),
];
