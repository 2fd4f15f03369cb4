import { expect, test } from 'vitest';
import { runScript } from './run-program.js';

interface Plan {
  readonly edges: number;
  readonly fleets: number;
  readonly deliveries: number;
  readonly edgeWhenOneIsAway: { readonly cpu: number; readonly connections: number; readonly memoryBytes: number };
  readonly kafka: {
    readonly ingressBytesPerSecond: number;
    readonly egressBytesPerSecond: number;
    readonly crossZoneShare: { readonly withoutRackId: number; readonly withRackId: number };
  };
  readonly redis: { readonly memoryBytes: number; readonly channels: number };
  readonly figures: Readonly<Record<string, { readonly source?: string }>>;
}

const run = (...args: readonly string[]) => runScript('loadtest/capacity.mjs', args);

async function plan(...args: readonly string[]): Promise<Plan> {
  const { code, stdout, stderr } = await run('--json', ...args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Plan;
}

test('a small load takes two edges, and a table says why', async () => {
  expect((await plan('--connections', '1000', '--rate', '100')).edges).toBe(2);
  const { code, stdout } = await run('--connections', '1e6', '--rate', '20000', '--deliveries', '1e6');
  expect(code).toBe(0);
  expect(stdout).toMatch(/load +\| 1,000,000 streams, 20,000 records\/s of 230 bytes, 1,000,000 deliveries\/s/);
  for (const word of [
    'edges, a core each',
    'an edge: CPU',
    'an edge: memory',
    'Kafka: read',
    'across zones without rackId',
    'Redis: memory',
  ])
    expect(stdout).toContain(word);
});

test('what is planned stays within the bounds when one edge is away', async () => {
  for (const load of [
    ['--connections', '1e6', '--rate', '20000', '--deliveries', '1e6'],
    ['--connections', '5e6', '--rate', '10'],
    ['--connections', '1e5', '--rate', '60000', '--readers-per-event', '10'],
  ]) {
    const { edgeWhenOneIsAway: edge } = await plan(...load);
    expect(edge.cpu).toBeLessThanOrEqual(0.5);
    expect(edge.connections).toBeLessThanOrEqual(50_000);
    expect(edge.memoryBytes).toBeLessThanOrEqual(2 * 2 ** 30);
  }
});

test('more of anything never takes fewer edges', async () => {
  const edgesOf = async (connections: string, deliveries: string) =>
    (await plan('--connections', connections, '--rate', '5000', '--deliveries', deliveries)).edges;
  const [base, moreStreams, moreDeliveries] = [await edgesOf('1e5', '1e5'), await edgesOf('1e6', '1e5'), await edgesOf('1e5', '1e6')];
  expect(moreStreams).toBeGreaterThan(base);
  expect(moreDeliveries).toBeGreaterThan(base);
});

test('every edge reads every record, across zones unless it knows its own', async () => {
  const { edges, kafka } = await plan('--connections', '1e5', '--rate', '10000', '--event-bytes', '500', '--zones', '4');
  expect(kafka.ingressBytesPerSecond).toBe(5_000_000);
  expect(kafka.egressBytesPerSecond).toBe(5_000_000 * (edges + 1));
  expect(kafka.crossZoneShare).toEqual({ withoutRackId: 0.75, withRackId: 0 });
});

test('what one edge cannot read is split over fleets', async () => {
  expect((await plan('--rate', '50000', '--deliveries', '1000')).fleets).toBe(1);
  const many = await plan('--rate', '1e6', '--partitions', '400', '--deliveries', '1000');
  expect(many.fleets).toBeGreaterThan(5);
  expect(many.kafka.egressBytesPerSecond / many.kafka.ingressBytesPerSecond).toBe(many.edges / many.fleets + 1);
});

test('the window takes at least a first node a channel, and less where nodes are small', async () => {
  const usual = await plan('--channels', '1e5', '--rate', '1000');
  const small = await plan('--channels', '1e5', '--rate', '1000', '--redis-nodes', 'small');
  expect(usual.redis.memoryBytes).toBeGreaterThan(4_000 * usual.redis.channels);
  expect(small.redis.memoryBytes).toBeLessThan(usual.redis.memoryBytes);
});

test('every figure says where it comes from', async () => {
  const { figures } = await plan();
  expect(Object.keys(figures).length).toBeGreaterThan(5);
  for (const [name, { source }] of Object.entries(figures)) expect(source, name).toMatch(/\S/);
});

test.each([
  [['--rate', 'x'], '--rate x: is not a number'],
  [['--rate', '0'], '--rate 0: must be more than 0'],
  [['--connections', '1.5'], '--connections 1.5: must be a whole number of 1 or more'],
  [['--connections', ''], '--connections : is not a number'],
  [['--utilization', '2'], '--utilization 2: must be more than 0 and at most 1'],
  [['--admission', 'none'], '--admission none: is none of anonymous, token, lease'],
  [['--deliveries', '5'], '--deliveries needs --rate'],
  [['--deliveries', '5', '--rate', '1', '--readers-per-event', '2'], 'say the same'],
  [['--edge-memory', '100Mi'], 'edge-memory: 104857600 bytes are less than an edge takes without streams'],
  [['--zone', '3'], "'--zone'"],
])('%s is refused by name', async (args, said) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(said);
});
