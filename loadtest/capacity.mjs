/**
 * `npm run capacity -- --connections 1e6 --rate 20000`: what a load takes, by the formulas of capacity.md.
 *
 *   --connections N          open streams                                       (10,000)
 *   --rate N                 records a second over all routed topics            (1,000)
 *   --readers-per-event N    streams that an event is delivered to, on average  (1)
 *   --deliveries N           events delivered a second, instead of the above
 *   --event-bytes N          of a record's value, and of a frame                (230)
 *   --channels N             channels that have events within the window        (10,000)
 *   --channels-per-event N   channels that a record becomes an event of         (1)
 *   --partitions N           of all routed topics                               (12)
 *   --zones N                that brokers and nodes are spread over             (3)
 *   --compression N          ratio of the producers' batches                    (1)
 *   --admission KIND         anonymous, token, or lease: token and limits in Redis  (lease)
 *   --utilization N          share of a core that an edge may use when one is away  (0.5)
 *   --connections-per-edge N most streams of an edge                            (50,000)
 *   --edge-memory N          most resident bytes of an edge; 2Gi is understood  (2Gi)
 *   --spare-edges N          edges of a fleet that may be away                  (1)
 *   --indexers N             of a fleet                                         (2)
 *   --max-age-seconds N      stream.maxAgeSeconds                               (600)
 *   --window-seconds N       window.ageSeconds                                  (300)
 *   --redis-nodes KIND       default, or small: `stream-node-max-bytes 1024`    (default)
 *   --json                   everything, with the figures that it came from
 */
import { parseArgs } from 'node:util';
import { formatTable, round } from './bench/figures.mjs';
import { figures } from './capacity-figures.mjs';
import { planCapacity } from './capacity-model.mjs';

const positive = (value) => value > 0 || 'must be more than 0';
const whole = (least) => (value) => (Number.isInteger(value) && value >= least) || `must be a whole number of ${least} or more`;
const atLeast = (least) => (value) => value >= least || `must be ${least} or more`;
const share = (value) => (value > 0 && value <= 1) || 'must be more than 0 and at most 1';

/** By the flag: the name in the model, and what it may be. */
const numbers = {
  connections: ['connections', whole(1)],
  rate: ['rate', positive],
  'readers-per-event': ['readersPerEvent', atLeast(0)],
  deliveries: ['deliveries', atLeast(0)],
  'event-bytes': ['eventBytes', whole(1)],
  channels: ['channels', whole(1)],
  'channels-per-event': ['channelsPerEvent', positive],
  partitions: ['partitions', whole(1)],
  zones: ['zones', whole(1)],
  compression: ['compression', atLeast(1)],
  utilization: ['utilization', share],
  'connections-per-edge': ['connectionsPerEdgeMax', whole(1)],
  'edge-memory': ['edgeMemoryMax', whole(1)],
  'spare-edges': ['spareEdges', whole(0)],
  indexers: ['indexers', whole(1)],
  'max-age-seconds': ['maxAgeSeconds', whole(0)],
  'window-seconds': ['windowSeconds', whole(1)],
};
const kinds = { admission: ['admission', ['anonymous', 'token', 'lease']], 'redis-nodes': ['redisNodes', ['default', 'small']] };

try {
  const text = { type: 'string' };
  const names = [...Object.keys(numbers), ...Object.keys(kinds)];
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, ...Object.fromEntries(names.map((name) => [name, text])) } });
  const plan = planCapacity(readLoad(values), figures);
  process.stdout.write(values.json ? `${JSON.stringify({ ...plan, figures }, null, 2)}\n` : `${describe(plan)}\n`);
} catch (error) {
  process.stderr.write(`capacity: ${error.message}\n`);
  process.exitCode = 2;
}

/** What was given, in the model's words; throws an Error that names the flag. */
function readLoad(values) {
  const load = {};
  for (const [flag, [name, check]] of Object.entries(numbers)) {
    if (values[flag] === undefined) continue;
    const value = readNumber(values[flag]);
    const said = Number.isFinite(value) ? check(value) : 'is not a number';
    if (said !== true) throw new Error(`--${flag} ${values[flag]}: ${said}`);
    load[name] = value;
  }
  for (const [flag, [name, choices]] of Object.entries(kinds)) {
    if (values[flag] === undefined) continue;
    if (!choices.includes(values[flag])) throw new Error(`--${flag} ${values[flag]}: is none of ${choices.join(', ')}`);
    load[name] = values[flag];
  }
  const { deliveries, ...rest } = load;
  if (deliveries === undefined) return rest;
  if (load.readersPerEvent !== undefined) throw new Error('--deliveries and --readers-per-event say the same: give one of them');
  if (load.rate === undefined) throw new Error('--deliveries needs --rate');
  return { ...rest, readersPerEvent: deliveries / load.rate };
}

/** `1e6`, `50_000`, `2Gi`. */
function readNumber(text) {
  const [, digits, unit] = /^([0-9_.eE+-]+?)([KMG]i)?$/.exec(text) ?? [];
  if (digits === undefined) return Number.NaN;
  return Number(digits.replaceAll('_', '')) * { Ki: 1_024, Mi: 1_048_576, Gi: 1_073_741_824 }[unit] || Number(digits.replaceAll('_', ''));
}

function describe(plan) {
  const { load, edge, edgeWhenOneIsAway: away, storm, kafka, redis } = plan;
  const isOneFleet = plan.fleets === 1;
  const rows = [
    [
      'load',
      `${count(load.connections)} streams, ${count(load.rate)} records/s of ${load.eventBytes} bytes, ${count(plan.deliveries)} deliveries/s`,
    ],
    ['streams that end by age and come back', `${count(plan.reconnects)}/s`],
    ['fleets (topics split over them)', isOneFleet ? '1' : `${plan.fleets}: one edge cannot read all records and deliver as well`],
    ['edges, a core each', `${plan.edges}, of which ${load.spareEdges * plan.fleets} spare`],
    ['indexers', `${plan.indexers} (for availability; their CPU was not measured)`],
    ['an edge: streams', `${count(edge.connections)}; ${count(away.connections)} when one is away`],
    ['an edge: CPU', `${percent(edge.cpu)} of a core; ${percent(away.cpu)} when one is away`],
    ['  reading / delivering / connects', ['ingest', 'deliver', 'connect'].map((name) => percent(away.cpuOf[name])).join(' / ')],
    ['an edge: memory', `${bytes(edge.memoryBytes)}; ${bytes(away.memoryBytes)} when one is away`],
    ['  process / recent / streams', ['process', 'recent', 'streams'].map((name) => bytes(away.memoryOf[name])).join(' / ')],
    [
      'an edge is lost',
      `${count(storm.streams)} streams come back: ${round(storm.cpuSeconds, 1)} s of CPU, ${round(storm.cpuSecondsPerEdge, 2)} s on each other edge`,
    ],
    ['edges to readers', `${bytes(plan.network.egressBytesPerSecond)}/s`],
    ['Kafka: written', `${bytes(kafka.ingressBytesPerSecond)}/s`],
    ['Kafka: read', `${bytes(kafka.egressBytesPerSecond)}/s (each edge of a fleet, and its indexers once)`],
    [
      '  across zones without rackId',
      `${percent(kafka.crossZoneShare.withoutRackId)}: ${bytes(kafka.crossZoneBytesPerMonth.withoutRackId)} a month`,
    ],
    ['  across zones with rackId', `${percent(kafka.crossZoneShare.withRackId)}, if each zone has a replica of each partition`],
    ['Redis: memory', `${bytes(redis.memoryBytes)} (${count(redis.channels)} channels, ${count(redis.events)} events)`],
    ['Redis: leases', `${count(redis.leaseCommandsPerSecond)} commands/s`],
  ];
  return `${formatTable(['what', 'figure'], rows)}\n\nBy measurements on one machine (loadtest/capacity-figures.mjs); load-test your own before you rely on them.`;
}

function count(value) {
  return Math.round(value).toLocaleString('en');
}

function percent(value) {
  return `${round(value * 100, 1)} %`;
}

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let i = 0;
  let left = value;
  for (; left >= 1_024 && i < units.length - 1; i++) left /= 1_024;
  return `${round(left, left < 10 ? 1 : 0)} ${units[i]}`;
}
