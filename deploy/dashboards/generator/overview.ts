import { frameDashboard } from './frame-dashboard.js';
import { heatmap, series, stat, table } from './panels.js';
import { buckets, firing, of, ofRole, quantile, rate, shareAbove } from './promql.js';

/** Codes of refusals that are the fabric's doing, not the caller's. */
export const fabricRefusals =
  'code=~"overloaded|not-ready|log-unavailable|identity-unavailable|permission-unavailable|store-unavailable|internal-error"';

/** Are users getting their events? */
export const overview = frameDashboard({
  uid: 'selvage-overview',
  description: 'Are users getting their events? The top row answers; the rest says since when, and which dashboard to open next.',
  sections: [
    {
      title: 'Are users getting their events?',
      height: 4,
      width: 3,
      panels: [
        stat(
          {
            title: 'Pages firing',
            shows: 'Alerts with severity `page` that fire now.',
            normal: '0.',
            otherwise: 'the table below names them; each has a section in the RUNBOOK.',
          },
          'short',
          `count(${firing('severity="page"')}) or vector(0)`,
          { limits: { steps: [[1, 'red']] }, decimals: 0 },
        ),
        stat(
          {
            title: 'Edges ready',
            shows: 'Edges that take traffic, of those that are scraped. A node that is gone is in neither number.',
            normal: '100 %; less for a minute while one starts or drains.',
            otherwise: 'open Process: the table says which node. Its `/healthz/ready` says why.',
            alerts: ['SelvageDown', 'SelvageNodeDown', 'SelvageNodeNotReady'],
            more: ['selvage-process'],
          },
          'percentunit',
          `sum(${ofRole('edge', 'ready')}) / count(${ofRole('edge', 'ready')}) or vector(0)`,
          {
            limits: {
              below: 'red',
              steps: [
                [0.67, 'yellow'],
                [1, 'green'],
              ],
            },
            max: 1,
          },
        ),
        stat(
          {
            title: 'Streams refused',
            shows:
              'Share of streams and polls asked for that the fabric refused for a reason of its own: full, not ready, Kafka, keys or hook away.',
            normal: 'below 0.1 %, which is the promise over 30 days.',
            otherwise: '"Streams refused, by code" below says why.',
            alerts: ['SelvageConnectsFailing'],
            more: ['selvage-limits'],
          },
          'percentunit',
          `sum(${rate('streamsRefused', fabricRefusals)}) / (sum(${rate('streamsRefused')}) + sum(${rate('admissions', 'outcome=~"admitted|overlap"')}))`,
          {
            limits: {
              steps: [
                [0.001, 'yellow'],
                [0.01, 'red'],
              ],
            },
            decimals: 2,
          },
        ),
        stat(
          {
            title: 'Delivered late',
            shows: 'Share of batches that reached the socket more than 1 s after their newest record’s time.',
            normal: 'below 1 %, which is the promise over 30 days. "none": no events.',
            otherwise:
              'compare the tail’s lag (Kafka and indexer) with the event loop (Process). A producer with a wrong clock looks the same: see the heat map.',
            alerts: ['SelvageDeliverySlow'],
            more: ['selvage-log', 'selvage-process'],
          },
          'percentunit',
          shareAbove(1, 'delivery'),
          {
            limits: {
              steps: [
                [0.01, 'yellow'],
                [0.05, 'red'],
              ],
            },
            decimals: 2,
          },
        ),
        stat(
          {
            title: 'Kafka silent for',
            shows: 'Longest time since Kafka answered a fetch of an edge. Silence has no latency: this sees what "Delivered late" cannot.',
            normal: 'below 1 s, with or without traffic.',
            otherwise:
              'streams stay open and are silent until Kafka is back; nothing is lost. Look at the brokers, then at the network of the nodes named in Kafka and indexer.',
            alerts: ['SelvageNoDelivery'],
            more: ['selvage-log'],
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
            title: 'Came back, with a gap',
            shows: 'Share of readers that came back and missed events by the fabric’s doing, told as `selvage.gap`.',
            normal: 'below 0.1 %, which is the promise over 30 days. "none": nobody came back.',
            otherwise: 'Resume and replay says from which tier and why.',
            alerts: ['SelvageResumesGapped'],
            more: ['selvage-resume'],
          },
          'percentunit',
          `sum(${rate('resumes', 'outcome="gap"')}) / sum(${rate('resumes', 'outcome=~"complete|gap"')})`,
          {
            limits: {
              steps: [
                [0.001, 'yellow'],
                [0.01, 'red'],
              ],
            },
            decimals: 2,
          },
        ),
        stat(
          {
            title: 'Open streams',
            shows: 'Streams that are open on the chosen nodes.',
            normal: 'what this hour of the day usually has; it never falls at once.',
            otherwise: 'a cliff with "Streams closed" beside it: a node went, or something in front of the nodes cut them.',
            alerts: ['SelvageReconnectStorm'],
          },
          'short',
          `sum(${of('connections')})`,
        ),
        stat(
          {
            title: 'Events delivered',
            shows: 'Events handed to sockets a second, an event counted once a reader.',
            normal: 'follows "Records read from Kafka" below.',
            otherwise: 'zero while records are read: no route, nobody reads, or no socket takes bytes.',
            more: ['selvage-log'],
          },
          'cps',
          `sum(${rate('eventsSent')})`,
        ),
      ],
    },
    {
      title: 'Delivery',
      height: 8,
      width: 12,
      panels: [
        series(
          {
            title: 'Events a second',
            shows:
              'Records read from Kafka by the edge that reads most, and events handed to sockets by all. Every edge reads every routed record, so the first is the rate of the log.',
            normal: 'both move together.',
            otherwise: 'records but no events: see "Records that readers never get" in Kafka and indexer. Neither: producers or Kafka.',
            more: ['selvage-log'],
          },
          'cps',
          [
            ['records read from Kafka', `max(sum by (cluster, namespace, job, instance) (${rate('recordsRead')}))`],
            ['events delivered', `sum(${rate('eventsSent')})`],
            ['events published over HTTP', `sum(${rate('published', 'outcome="accepted"')})`],
          ],
        ),
        series(
          {
            title: 'Delivery latency',
            shows: 'Time from a record’s timestamp to the write into the socket, live readers only; 1 s is the promise.',
            normal: 'median of some milliseconds, p99 below 100 ms.',
            otherwise:
              'all quantiles rise: tail or event loop. Only p99: bursts, garbage collection, or one topic whose producer’s clock is behind.',
            alerts: ['SelvageDeliverySlow'],
            more: ['selvage-process'],
          },
          's',
          [
            ['median', quantile(0.5, 'delivery')],
            ['p99', quantile(0.99, 'delivery')],
            ['p99.9', quantile(0.999, 'delivery')],
          ],
          { limits: { steps: [[1, 'red']] } },
        ),
        series(
          {
            title: 'Open streams, by node',
            shows: 'Where the readers are.',
            normal: 'even within a stream’s greatest age (10 min by default) of any change of nodes.',
            otherwise: 'one node without readers: not ready, or unknown to the balancer. One with most: the balancer sticks.',
            alerts: ['SelvageConnectionsNearLimit'],
            more: ['selvage-process', 'selvage-limits'],
          },
          'short',
          [['{{instance}}', `sum by (instance) (${of('connections')})`]],
          { isStacked: true, decimals: 0 },
        ),
        heatmap(
          {
            title: 'Delivery latency, how often',
            shows: 'Batches by the time that they took, all nodes.',
            normal: 'one band below 25 ms.',
            otherwise:
              'two bands: some nodes, partitions or producers are slow and the others are not; choose instances above to find which.',
            alerts: ['SelvageDeliverySlow'],
          },
          buckets('delivery'),
        ),
      ],
    },
    {
      title: 'What readers are told',
      height: 8,
      width: 12,
      panels: [
        series(
          {
            title: 'Streams refused, by code',
            shows: 'Streams and polls that were refused, by the code of the error, also those that are answered 200 with `selvage.close`.',
            normal: 'some `token-expired`, `too-many-streams`; none of `overloaded`, `not-ready`, `…-unavailable`, `internal-error`.',
            otherwise:
              'a code of the fabric: that part is away. A code of callers that jumps: a client was released, or somebody probes; see Limits and abuse.',
            alerts: ['SelvageConnectsFailing', 'SelvageLimitsRefusing'],
            more: ['selvage-limits'],
          },
          'cps',
          [['{{code}}', `sum by (code) (${rate('streamsRefused')}) > 0`]],
        ),
        series(
          {
            title: 'Gaps told',
            shows:
              'Gaps that readers were told of, by reason and by whose doing: `reader` was away too long or sent a position that is not ours; `fabric` lost something.',
            normal: 'some of `reader` (`expired`, `unknown-position`); none of `fabric`.',
            otherwise:
              'Resume and replay. `store-lost`: a topic was made again. `expired` by the fabric: retention is shorter than the tail was away.',
            alerts: ['SelvageResumesGapped', 'SelvageReadersLate'],
            more: ['selvage-resume'],
          },
          'cps',
          [['{{reason}}, {{cause}}', `sum by (reason, cause) (${rate('gaps')}) > 0`]],
        ),
        series(
          {
            title: 'Streams closed, by reason',
            shows: 'Why streams end.',
            normal: '`max-age` (each stream ends at 80 to 100 % of its greatest age) and `client-gone`.',
            otherwise:
              '`client-gone` in a spike: a proxy or the network cuts. `draining`: a roll-out. `peer-stalled`: readers take no bytes.',
            alerts: ['SelvageReconnectStorm', 'SelvageSlowReaders'],
            more: ['selvage-resume'],
          },
          'cps',
          [['{{reason}}', `sum by (reason) (${rate('connectionsClosed')}) > 0`]],
          { isStacked: true },
        ),
        series(
          {
            title: 'Publishing over HTTP',
            shows: 'Events offered, by what became of them.',
            normal: '`accepted`, and what callers do wrong.',
            otherwise: '`log-unavailable`, `outcome-unknown`: Kafka does not acknowledge; publishers repeat.',
            alerts: ['SelvagePublishFailing'],
          },
          'cps',
          [['{{outcome}}', `sum by (outcome) (${rate('published')})`]],
          { isStacked: true },
        ),
      ],
    },
    {
      title: 'Alerts',
      height: 7,
      width: 24,
      panels: [
        table(
          {
            title: 'Firing alerts',
            shows: 'Every alert that fires now. Pages go first.',
            normal: 'empty.',
            otherwise: 'open the RUNBOOK at the section of the alert’s name.',
          },
          'none',
          [['', `sort_desc(max by (severity, alertname, cluster, namespace, job, instance) (${firing()}))`]],
          [
            { field: 'severity', title: 'Severity' },
            { field: 'alertname', title: 'Alert' },
            { field: 'cluster', title: 'Cluster' },
            { field: 'namespace', title: 'Namespace' },
            { field: 'job', title: 'Job' },
            { field: 'instance', title: 'Instance' },
          ],
          ['Value'],
        ),
      ],
    },
  ],
});
