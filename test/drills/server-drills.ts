import ioredis from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DrillWorld } from './drill-world.js';
import { ControlGroup } from '../platform/control-group.js';
import { readMetric } from '../platform/node-fixture.js';
import { Crowd, visit } from './many-streams.js';
import type { Drill } from './run-drill.js';

/** Most drills: minutes of the rules are seconds. */
const usual = { factor: 60, firesWithinSeconds: 45, clearsWithinSeconds: 60 } as const;

async function askRedis(world: DrillWorld, ...words: readonly [string, ...string[]]): Promise<void> {
  const redis = new ioredis.Redis(world.redis.url);
  try {
    await redis.call(...words);
  } finally {
    redis.disconnect();
  }
}

/** Nodes are not ready 3 s after Kafka fell silent, and it counts as silent after 15 s: so little may the waits be shortened that the alerts come in their order. */
const silence = { factor: 3, firesWithinSeconds: 90, clearsWithinSeconds: 60 } as const;

const kafkaKilled: Drill = {
  ...silence,
  name: 'Kafka killed',
  fires: ['SelvageNoDelivery'],
  mayFollow: ['SelvageDeliverySlow', 'SelvageDeliveryBudgetBurning'],
  fault: ({ kafka }) => kafka.kill(),
  mend: ({ kafka }) => kafka.start(),
};

const kafkaFrozen: Drill = {
  ...silence,
  name: 'Kafka frozen',
  fires: ['SelvageNoDelivery'],
  mayFollow: ['SelvageDeliverySlow', 'SelvageDeliveryBudgetBurning'],
  fault: async ({ kafka }) => kafka.pause(),
  mend: async ({ kafka }) => kafka.resume(),
};

const redisKilled: Drill = {
  ...usual,
  name: 'Redis killed',
  fires: ['SelvageRedisAway'],
  fault: ({ redis }) => redis.kill(),
  mend: ({ redis }) => redis.start(),
};

const redisFrozen: Drill = {
  ...usual,
  name: 'Redis frozen',
  fires: ['SelvageRedisAway'],
  fault: async ({ redis }) => redis.pause(),
  mend: async ({ redis }) => redis.resume(),
};

const redisEvicts: Drill = {
  ...usual,
  name: 'Redis may evict',
  fires: ['SelvageWindowUnusable'],
  // The store is not believed until what it held has aged out (SELVAGE_WINDOW_AGE_SECONDS of this world), and nothing is indexed meanwhile.
  clearsWithinSeconds: 180,
  mayFollow: ['SelvageIndexerLagging'],
  fault: (world) => askRedis(world, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'),
  mend: (world) => askRedis(world, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction'),
};

const redisFull: Drill = {
  ...usual,
  name: 'Redis full',
  fires: ['SelvageWindowFailing'],
  // What was not indexed meanwhile.
  mayFollow: ['SelvageIndexerLagging'],
  fault: (world) => askRedis(world, 'CONFIG', 'SET', 'maxmemory', '1mb'),
  mend: (world) => askRedis(world, 'CONFIG', 'SET', 'maxmemory', '0'),
};

const indexersKilled: Drill = {
  ...usual,
  name: 'indexers killed',
  fires: ['SelvageIndexerStopped', 'SelvageNodeDown'],
  fault: ({ indexers }) => Promise.all(indexers.map(({ node }) => node.kill())),
  mend: ({ indexers }) => Promise.all(indexers.map(({ node }) => node.start())),
};

const edgeKilled: Drill = {
  ...usual,
  name: 'an edge killed',
  fires: ['SelvageNodeDown'],
  fault: ({ edges }) => edges[0]!.node.kill(),
  mend: ({ edges }) => edges[0]!.node.start(),
};

const edgeFrozen: Drill = {
  ...usual,
  name: 'an edge frozen',
  fires: ['SelvageNodeDown'],
  fault: async ({ edges }) => edges[0]!.node.pause(),
  mend: async ({ edges }) => edges[0]!.node.resume(),
};

const allEdgesKilled: Drill = {
  ...usual,
  name: 'all edges killed',
  fires: ['SelvageDown'],
  // Readers that come while the edges start are refused.
  mayFollow: ['SelvageConnectsFailing', 'SelvageConnectBudgetBurning'],
  fault: ({ edges }) => Promise.all(edges.map(({ node }) => node.kill())),
  mend: ({ edges }) => Promise.all(edges.map(({ node }) => node.start())),
};

/** Half of the time it stands still, for half a second: it is late and still answers Prometheus. */
function eventLoopHeldUp(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'the event loop of an edge held up',
    fires: ['SelvageEventLoopHeldUp'],
    fault: async ({ edges }) => {
      const { node } = edges[0]!;
      crowd.keepDoing(1, async () => {
        node.pause();
        await sleep(500);
        node.resume();
      });
    },
    mend: async ({ edges }) => {
      await crowd.close();
      await sleep(600);
      edges[0]!.node.resume();
    },
  };
}

/** As a pod that is resized in place to less than it has: what it has stays on the account of the group that it was in, so nothing is killed. */
function memoryShort(): Drill {
  let controlGroup: ControlGroup | null = null;
  return {
    ...usual,
    name: 'an edge near its memory limit',
    fires: ['SelvageMemoryNearLimit'],
    lacks: () => (ControlGroup.isAllowed() ? null : 'a control group with a limit of memory needs root and a mounted memory controller'),
    fault: async ({ edges }) => {
      const { node } = edges[0]!;
      controlGroup = ControlGroup.of(node.pid!);
      controlGroup.limitBytes(Math.round(0.9 * (await readMetric(node, 'process_resident_memory_bytes'))));
    },
    mend: async () => controlGroup?.close(),
  };
}

const slowDrain: Drill = {
  ...usual,
  name: 'an edge not ready',
  fires: ['SelvageNodeNotReady'],
  // Its drain waits for a balancer for longer than a drain may.
  fault: async ({ lastEdge }) => lastEdge.node.signal('SIGTERM'),
  mend: async ({ lastEdge }) => {
    await lastEdge.node.kill();
    await lastEdge.node.start();
  },
};

const issuerAway: Drill = {
  ...usual,
  name: 'the issuer away',
  fires: ['SelvageKeysStale'],
  fault: ({ keys }) => keys.goAway(),
  mend: ({ keys }) => keys.comeBack(),
};

/** No key set was ever there for a node that starts now. */
function issuerNeverThere(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'an edge that never had its issuer',
    fires: ['SelvageIdentityUnavailable', 'SelvageConnectsFailing'],
    mayFollow: ['SelvageConnectBudgetBurning'],
    fault: async ({ keys, edges }) => {
      const token = await keys.sign('somebody');
      const { node } = edges[0]!;
      await keys.goAway();
      await node.kill();
      await node.start();
      crowd.keepDoing(20, async () => visit(`${node.url}/v1/events?channel=k.key0`, { token }));
    },
    mend: async ({ keys }) => {
      await crowd.close();
      await keys.comeBack();
    },
  };
}

function applicationFails(): Drill {
  const crowd = new Crowd();
  return {
    ...usual,
    name: 'the permission hook fails',
    fires: ['SelvagePermissionHookFailing', 'SelvageConnectsFailing'],
    mayFollow: ['SelvageConnectBudgetBurning'],
    fault: async ({ app, keys, edges }) => {
      const token = await keys.sign('somebody');
      app.isWell = false;
      const { node } = edges[0]!;
      crowd.keepDoing(20, async () => visit(`${node.url}/hooked/key0`, { token }));
    },
    mend: async ({ app }) => {
      await crowd.close();
      app.isWell = true;
    },
  };
}

/** What servers do to a deployment. */
export const serverDrills: readonly Drill[] = [
  kafkaKilled,
  kafkaFrozen,
  redisKilled,
  redisFrozen,
  redisFull,
  redisEvicts,
  indexersKilled,
  edgeKilled,
  edgeFrozen,
  allEdgesKilled,
  eventLoopHeldUp(),
  memoryShort(),
  slowDrain,
  issuerAway,
  issuerNeverThere(),
  applicationFails(),
];
