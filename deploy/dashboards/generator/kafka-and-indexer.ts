import { frameDashboard } from './frame-dashboard.js';
import { heatmap, series, stat } from './panels.js';
import { buckets, increase, of, rate } from './promql.js';

/**
 * Records of each partition that are in the log and not in the window. The end is known by edges and the height by indexers, so nodes are of no account; an
 * indexer that lost a partition still tells how far it came, and the greatest is true.
 */
const unindexed =
  `clamp_min(max by (cluster, namespace, topic, partition) (${of('partitionEnd')}) - 1` +
  ` - max by (cluster, namespace, topic, partition) (${of('windowHigh')}), 0)`;

/** Is the log read, and is it written into the window? */
export const kafkaAndIndexer = frameDashboard({
  uid: 'selvage-log',
  description: 'Is Kafka read at the pace at which it is written (edges), written into the window (indexers), and understood (routes)?',
  sections: [
    {
      title: 'Is the log read, indexed and understood?',
      height: 4,
      width: 4,
      panels: [
        stat(
          {
            title: 'Kafka silent for',
            shows: 'Longest time since Kafka answered a fetch of an edge.',
            normal: 'below 1 s, with or without traffic.',
            otherwise: 'look at the brokers; then whether it is one node ("Silence of Kafka, by node").',
            alerts: ['SelvageNoDelivery'],
          },
          's',
          `max(${of('fetchAge')})`,
          {
            limits: {
              steps: [
                [3, 'yellow'],
                [15, 'red'],
              ],
            },
          },
        ),
        stat(
          {
            title: 'Edge furthest behind',
            shows: 'Records between the end of the log and what that edge has read, over all partitions.',
            normal: 'below 100, or below what it reads in 10 s.',
            otherwise: 'its readers see events late: the event loop or CPU of the node (Process), or a broker.',
            alerts: ['SelvageTailLagging'],
            more: ['selvage-process'],
          },
          'short',
          `max(sum by (cluster, namespace, job, instance) (${of('partitionLag')}))`,
          {
            limits: {
              steps: [
                [100, 'yellow'],
                [10_000, 'red'],
              ],
            },
            decimals: 0,
          },
        ),
        stat(
          {
            title: 'Not yet indexed',
            shows: 'Records that are in Kafka and not yet in the window, over all partitions.',
            normal: 'below 500, or below 30 s of traffic. "no indexer": none runs.',
            otherwise: 'live readers feel nothing; who comes back is read from Kafka. Redis or the number of indexers.',
            alerts: ['SelvageIndexerLagging', 'SelvageIndexerStopped'],
          },
          'short',
          `sum(${unindexed})`,
          {
            limits: {
              steps: [
                [500, 'yellow'],
                [50_000, 'red'],
              ],
            },
            decimals: 0,
            noValue: 'no indexer',
          },
        ),
        stat(
          {
            title: 'Lost to the tail',
            shows: 'Stretches that were gone before an edge had read them, and partitions that began anew, in the time shown.',
            normal: '0.',
            otherwise: 'readers were told `selvage.gap`. Retention is shorter than an outage, or somebody made a topic again.',
            alerts: ['SelvageTailHole', 'SelvageTopicBeganAnew'],
          },
          'short',
          `sum(${increase('tailHoles')}) + sum(${increase('topicResets')})`,
          { limits: { steps: [[1, 'red']] }, decimals: 0 },
        ),
        stat(
          {
            title: 'Dead letters',
            shows: 'Records that could not be decoded, in the time shown, written to the dead-letter topic or above its rate.',
            normal: '0.',
            otherwise: 'a producer writes what no route can read; the record’s headers in the dead-letter topic say why.',
            alerts: ['SelvageDeadLetters'],
          },
          'short',
          `sum(${increase('deadLettered')})`,
          {
            limits: {
              steps: [
                [1, 'yellow'],
                [1_000, 'red'],
              ],
            },
            decimals: 0,
          },
        ),
        stat(
          {
            title: 'Restarts of tails',
            shows: 'Consumers of edges that were started anew, in the time shown.',
            normal: '0.',
            otherwise: 'a broker goes and comes, or the network does. Nothing is lost by a restart.',
            alerts: ['SelvageNoDelivery'],
          },
          'short',
          `sum(${increase('tailRestarts')})`,
          {
            limits: {
              steps: [
                [1, 'yellow'],
                [20, 'red'],
              ],
            },
            decimals: 0,
          },
        ),
      ],
    },
    {
      title: 'Edges: the tail',
      height: 8,
      width: 12,
      panels: [
        series(
          {
            title: 'Records a second, by topic',
            shows:
              'What the edge that reads most reads of each topic. Every edge reads every routed record: Kafka’s egress is this, once an edge.',
            normal: 'the rate of your producers.',
            otherwise: 'a topic that falls to 0: its producers, or the topic was renamed.',
          },
          'cps',
          [['{{topic}}', `max by (topic) (sum by (topic, cluster, namespace, job, instance) (${rate('recordsRead')}))`]],
          { isStacked: true },
        ),
        series(
          {
            title: 'Bytes a second, by node',
            shows: 'Keys and values that each node reads from Kafka.',
            normal: 'the same on every edge.',
            otherwise: 'one edge below the others: it is behind, see its lag.',
          },
          'Bps',
          [['{{instance}}', `sum by (instance) (${rate('bytesRead')})`]],
        ),
        series(
          {
            title: 'Records behind, by node',
            shows: 'Records between the end of the log and what the node’s tail has read.',
            normal: 'near 0; a hump while a node is held up.',
            otherwise: 'one node: its CPU or event loop. All: a broker, or more than one core can decode (see Sizing in the README).',
            alerts: ['SelvageTailLagging'],
            more: ['selvage-process'],
          },
          'short',
          [['{{instance}}', `sum by (instance) (${of('partitionLag')})`]],
          { decimals: 0 },
        ),
        series(
          {
            title: 'Silence of Kafka, by node',
            shows: 'Time since Kafka last answered a fetch; the dashed line pages when half of the edges are above it.',
            normal: 'below 1 s.',
            otherwise: 'all: Kafka. One: that node’s network or its event loop.',
            alerts: ['SelvageNoDelivery', 'SelvageTailStalled'],
          },
          's',
          [['{{instance}}', `max by (instance) (${of('fetchAge')})`]],
          { limits: { steps: [[15, 'red']] } },
        ),
        series(
          {
            title: 'Fetches a second, by node',
            shows: 'Fetches of the tail that Kafka answered.',
            normal:
              '2 without records; up to some hundreds while records come and the node has time: fetching takes a share of what its core has idle.',
            otherwise: 'falls while records come: the node is busy, and events wait longer for the next fetch.',
          },
          'ops',
          [['{{instance}}', `sum by (instance) (${rate('fetches')})`]],
        ),
      ],
    },
    {
      title: 'Indexers: the window',
      height: 8,
      width: 8,
      panels: [
        series(
          {
            title: 'Not yet indexed, by topic',
            shows: 'Records in Kafka that are not in the window.',
            normal: 'near 0; a hump while indexers rebalance (seconds).',
            otherwise: 'grows: too few indexers, or Redis is slow (right). Flat and high: an indexer stands still.',
            alerts: ['SelvageIndexerLagging', 'SelvageIndexerStopped'],
          },
          'short',
          [['{{topic}}', `sum by (topic) (${unindexed})`]],
          { decimals: 0 },
        ),
        series(
          {
            title: 'Events written, by topic',
            shows: 'Events written into the window, all indexers; a record is one event in each of its channels.',
            normal: 'the records of the topic, times their channels.',
            otherwise: '0 while records arrive: indexers are away, or Redis refuses.',
            alerts: ['SelvageIndexerStopped'],
          },
          'cps',
          [['{{topic}}', `sum by (topic) (${rate('windowEvents')})`]],
          { isStacked: true },
        ),
        heatmap(
          {
            title: 'Time of a write into the window',
            shows: 'Writes into Redis by the time that they took.',
            normal: 'below 10 ms.',
            otherwise: 'slow Redis: its CPU, its memory, or a command of somebody else.',
            alerts: ['SelvageWindowFailing'],
          },
          buckets('windowWrite'),
        ),
        series(
          {
            title: 'Depth of the window, by topic',
            shows: 'Offsets that the window vouches for in the shallowest partition of each topic.',
            normal: '`window.ageSeconds` times the records a second of a partition.',
            otherwise: 'falls to 0: the window was flushed and is being filled again; returns are read from Kafka meanwhile.',
            alerts: ['SelvageWindowUnusable'],
          },
          'short',
          [
            [
              '{{topic}}',
              `min by (topic) (max by (topic, partition) (${of('windowHigh')}) - max by (topic, partition) (${of('windowFloor')}))`,
            ],
          ],
        ),
        series(
          {
            title: 'Redis, by node',
            shows: '1 while the node reaches Redis, and while it may believe the window there.',
            normal: '1. No line: no Redis is configured.',
            otherwise: 'not reached: Redis or network. Reached and not believed: `maxmemory-policy` is not `noeviction`.',
            alerts: ['SelvageRedisAway', 'SelvageWindowUnusable'],
          },
          'none',
          [
            ['{{instance}} reached', `min by (instance) (${of('redisUp')})`],
            ['{{instance}} believed', `min by (instance) (${of('windowUsable')})`],
          ],
          { max: 1, decimals: 0 },
        ),
        series(
          {
            title: 'Operations on the window that failed',
            shows: 'Operations on Redis without an answer, by kind.',
            normal: 'none.',
            otherwise: '`write`: indexers stand still and repeat from the same place. `read`: returns fall through to Kafka.',
            alerts: ['SelvageWindowFailing'],
          },
          'cps',
          [['{{operation}}', `sum by (operation) (${rate('windowFailures')})`]],
        ),
      ],
    },
    {
      title: 'Routes',
      height: 8,
      width: 12,
      panels: [
        series(
          {
            title: 'Records that readers never get',
            shows: 'Records that no route selects, that cannot be decoded, or whose channel cannot be made, on the edge that counts most.',
            normal: 'what your routes leave out on purpose (`when`).',
            otherwise: 'a rise after a roll-out of a producer or of routes: compare `when`, `channels` and the records.',
            alerts: ['SelvageRouteMismatch', 'SelvageDeadLetters'],
          },
          'cps',
          [
            ['{{topic}}: no route', `max by (topic) (${rate('unrouted')}) > 0`],
            ['{{topic}}: {{reason}}', `max by (topic, reason) (${rate('undecodable')}) > 0`],
            ['{{topic}}: channel, {{reason}}', `max by (topic, reason) (${rate('channelsSkipped')}) > 0`],
          ],
        ),
        series(
          {
            title: 'Records that are not as promised',
            shows: 'Records of a keyed topic outside their home partition, events whose type could not be used, and dead letters.',
            normal: 'none.',
            otherwise:
              '`keyed` in the route and the partitioner of a producer differ, or partitions were added. Readers of those channels are told once.',
            alerts: ['SelvageKeyedBreach', 'SelvageRouteMismatch', 'SelvageDeadLetters'],
          },
          'cps',
          [
            ['{{topic}}: outside its partition', `max by (topic) (${rate('keyedBreaches')}) > 0`],
            ['{{topic}}: type replaced', `max by (topic) (${rate('typesReplaced')}) > 0`],
            ['{{topic}}: dead letter, {{outcome}}', `sum by (topic, outcome) (${rate('deadLettered')}) > 0`],
          ],
        ),
      ],
    },
  ],
});
