/** How many nodes, how much CPU, memory and traffic a load takes: formulas over `capacity-figures.mjs`. No input or output; `capacity.md` explains each. */

const secondsOfMonth = 30 * 86_400;
const windowEventsMax = 1_000; // window.eventsPerChannelMax
const fleetsMax = 1_000;
const edgesMax = 100_000;
/** Reading alone may take so much of what an edge may use; the rest is for delivering. */
const readingPart = 0.8;

/**
 * The inputs with their defaults. `rate` is records a second over all routed topics.
 *
 * - `readersPerEvent`: streams that an event is delivered to, on average; null: 1, or what `deliveries` says
 * - `utilization`: share of a core that an edge may use when one edge is away
 * - `connectionsPerEdgeMax`, `edgeMemoryMax`: no edge has more streams or resident bytes
 * - `maxAgeSeconds`: stream.maxAgeSeconds; streams end at 80 to 100 % of it and come back
 */
export const defaults = {
  connections: 10_000,
  rate: 1_000,
  readersPerEvent: 1,
  eventBytes: 230,
  channels: 10_000,
  partitions: 12,
  zones: 3,
  admission: 'lease',
  utilization: 0.5,
  connectionsPerEdgeMax: 50_000,
  edgeMemoryMax: 2 * 1_073_741_824,
  spareEdges: 1,
  indexers: 2,
  maxAgeSeconds: 600,
  recentSeconds: 60,
  recentBytesMax: 268_435_456,
  windowSeconds: 300,
  channelsPerEvent: 1,
  redisNodes: 'default',
  compression: 1,
};

/** Plans for a load; `figures` as in `capacity-figures.mjs`. Throws a RangeError that names the input which cannot be planned for. */
export function planCapacity(given, figures) {
  const load = { ...defaults, ...given };
  const deliveries = load.rate * load.readersPerEvent;
  const reconnects = load.maxAgeSeconds === 0 ? 0 : load.connections / (0.9 * load.maxAgeSeconds);
  const total = { deliveries, reconnects };
  const fleets = countFleets(load, figures);
  const part = { ...load, rate: load.rate / fleets, partitions: load.partitions / fleets, connections: load.connections / fleets };
  const needed = countEdges(part, total, fleets, figures);
  const edgesPerFleet = needed + load.spareEdges;
  const edges = edgesPerFleet * fleets;
  return {
    load,
    deliveries,
    reconnects,
    fleets,
    edges,
    indexers: load.indexers * fleets,
    edge: describeEdge(part, total, edgesPerFleet, fleets, figures),
    edgeWhenOneIsAway: describeEdge(part, total, Math.max(1, edgesPerFleet - 1), fleets, figures),
    storm: describeStorm(load, edges, figures),
    kafka: describeKafka(load, edgesPerFleet, figures),
    redis: describeRedis(load, reconnects, figures),
    network: { egressBytesPerSecond: deliveries * load.eventBytes },
  };
}

/** CPU share of an edge that reads so many records a second and serves nobody. Beyond the last row measured, each record costs what it did there. */
export function ingestShare(rate, partitions, { ingest }) {
  const [few, many] = ingest.rows;
  const [low, high] = [shareOf(rate, few.points), shareOf(rate, many.points)];
  const between = Math.min(1, Math.max(0, (partitions - few.partitions) / (many.partitions - few.partitions)));
  return low + (high - low) * between;
}

function shareOf(rate, points) {
  const [lastRate, lastShare] = points.at(-1);
  if (rate >= lastRate) return (lastShare * rate) / lastRate;
  const i = points.findIndex(([upTo]) => rate < upTo);
  const [[fromRate, from], [toRate, to]] = [points[i - 1], points[i]];
  return from + ((to - from) * (rate - fromRate)) / (toRate - fromRate);
}

/** Every edge of a fleet reads all of its records: where that takes too much of it, topics, and so records and partitions, are split over fleets. */
function countFleets({ rate, partitions, utilization }, figures) {
  let fleets = 1;
  while (ingestShare(rate / fleets, partitions / fleets, figures) > utilization * readingPart) {
    if (++fleets > fleetsMax) throw new RangeError(`rate, utilization: ${rate} records/s are more than ${fleetsMax} fleets can read`);
  }
  return fleets;
}

/** The fewest edges of a fleet that carry it within every bound. */
function countEdges(part, total, fleets, figures) {
  for (let edges = 1; edges <= edgesMax; edges = edges < 1_000 ? edges + 1 : Math.ceil(edges * 1.01)) {
    const { cpu, memoryBytes, connections } = describeEdge(part, total, edges, fleets, figures);
    if (cpu <= part.utilization && memoryBytes <= part.edgeMemoryMax && connections <= part.connectionsPerEdgeMax) return edges;
  }
  const { memoryBytes } = describeEdge({ ...part, connections: 0 }, total, edgesMax, fleets, figures);
  const what =
    memoryBytes > part.edgeMemoryMax
      ? `edge-memory: ${part.edgeMemoryMax} bytes are less than an edge takes without streams`
      : 'rate: no number of edges can carry that';
  throw new RangeError(what);
}

function describeEdge({ rate, connections, partitions, admission, ...part }, { deliveries, reconnects }, edges, fleets, figures) {
  const share = edges * fleets;
  const ingest = ingestShare(rate, partitions, figures);
  const deliver = ((deliveries / share) * figures.deliverUs.value) / 1e6;
  const connect = ((reconnects / share) * figures.connectUs[admission]) / 1e6;
  const counted = rate * part.recentSeconds * part.channelsPerEvent * (part.eventBytes + figures.recentEventBytes.value);
  const recentBytes = Math.min(part.recentBytesMax, counted) * figures.recentFactor.value;
  const streamBytes = (connections / edges) * figures.streamBytes[admission];
  return {
    connections: Math.ceil(connections / edges),
    deliveries: deliveries / share,
    cpu: ingest + deliver + connect,
    cpuOf: { ingest, deliver, connect },
    memoryBytes: figures.processBytes.value + recentBytes + streamBytes,
    memoryOf: { process: figures.processBytes.value, recent: recentBytes, streams: streamBytes },
  };
}

/** The streams of one edge that went come back on the others. */
function describeStorm({ connections, admission }, edges, figures) {
  const streams = Math.ceil(connections / edges);
  const cpuSeconds = (streams * figures.connectUs[admission]) / 1e6;
  return { streams, cpuSeconds, cpuSecondsPerEdge: edges > 1 ? cpuSeconds / (edges - 1) : cpuSeconds };
}

/** Each edge of a fleet reads all of its records, the indexers together once. Consumers read from a broker in another zone unless they know their own. */
function describeKafka({ rate, eventBytes, zones, compression }, edgesPerFleet) {
  const ingressBytesPerSecond = (rate * eventBytes) / compression;
  const egressBytesPerSecond = ingressBytesPerSecond * (edgesPerFleet + 1);
  const crossZone = (zones - 1) / zones;
  const perMonth = (share) => egressBytesPerSecond * share * secondsOfMonth;
  return {
    ingressBytesPerSecond,
    egressBytesPerSecond,
    crossZoneShare: { withoutRackId: crossZone, withRackId: 0 },
    crossZoneBytesPerMonth: { withoutRackId: perMonth(crossZone), withRackId: 0 },
  };
}

/** A channel's stream costs its first node and then each further event; a sparse channel's single event stays 2.25 ages of the window, a busy one's an age. */
function describeRedis(load, reconnects, figures) {
  const written = load.rate * load.channelsPerEvent;
  const lifetimeSeconds = load.windowSeconds * figures.windowLifetimes.value;
  const perChannel = written / load.channels; // events a second
  const liveChannels = Math.min(load.channels, written * lifetimeSeconds);
  const isSparse = perChannel * load.windowSeconds < 1;
  const eventsOfChannel = isSparse ? Math.max(1, perChannel * lifetimeSeconds) : Math.min(windowEventsMax, perChannel * load.windowSeconds);
  const further = Math.max(0, eventsOfChannel - 1) * (figures.windowEventBytes.value + load.eventBytes);
  const channelBytes = figures.windowChannelBytes[load.redisNodes] + further;
  // A lease is one script call to take and one HDEL to give back.
  const leaseCommands = load.admission === 'lease' ? 2 * reconnects : 0;
  return {
    channels: liveChannels,
    events: liveChannels * eventsOfChannel,
    memoryBytes: liveChannels * channelBytes,
    leaseCommandsPerSecond: leaseCommands,
  };
}
