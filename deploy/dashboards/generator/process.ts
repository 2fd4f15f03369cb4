import { frameDashboard } from './frame-dashboard.js';
import { heatmap, series, stat, table } from './panels.js';
import { buckets, node, of, ofProcess, quantile } from './promql.js';

const cpu = `rate(${ofProcess('process_cpu_seconds_total')}[$__rate_interval])`;
const gc = `rate(${ofProcess('nodejs_gc_duration_seconds_sum')}[$__rate_interval])`;

/** Which node is the odd one, and is a node short of CPU, memory or files? */
export const processDashboard = frameDashboard({
  uid: 'selvage-process',
  description: 'Which node is the odd one, what runs on it, and is it short of CPU, memory or files?',
  sections: [
    {
      title: 'Is a node short of something?',
      height: 4,
      width: 4,
      panels: [
        stat(
          {
            title: 'Busiest node: CPU',
            shows: 'CPU of the busiest node. JavaScript runs on one core: 100 % is all that it can use, garbage collection beside it.',
            normal: 'below 70 %.',
            otherwise: 'above 90 % everything on it gets later: add edges, or find the topic that grew (Kafka and indexer).',
            alerts: ['SelvageEventLoopHeldUp'],
            more: ['selvage-log'],
          },
          'percentunit',
          `max(${cpu})`,
          {
            limits: {
              steps: [
                [0.7, 'yellow'],
                [0.9, 'red'],
              ],
            },
          },
        ),
        stat(
          {
            title: 'Fullest node: memory',
            shows: 'Resident memory of the fullest node, of what its container or machine allows.',
            normal: 'below 80 %.',
            otherwise:
              'at the limit it is killed; its readers reconnect and miss nothing. `recent.bytesMax` and open streams are what takes memory.',
            alerts: ['SelvageMemoryNearLimit'],
          },
          'percentunit',
          `max(${ofProcess('process_resident_memory_bytes')} / ${of('memoryLimit')})`,
          {
            limits: {
              steps: [
                [0.8, 'yellow'],
                [0.9, 'red'],
              ],
            },
          },
        ),
        stat(
          {
            title: 'Event loop held up, p99',
            shows: 'How late a timer runs, 99 of 100, on the worst node.',
            normal: 'below 50 ms.',
            otherwise: 'every reader of the node gets its events that much later.',
            alerts: ['SelvageEventLoopHeldUp'],
          },
          's',
          `max(${quantile(0.99, 'eventLoopLag', 'cluster, namespace, job, instance')})`,
          {
            limits: {
              steps: [
                [0.1, 'yellow'],
                [0.25, 'red'],
              ],
            },
          },
        ),
        stat(
          {
            title: 'Files of the fullest node',
            shows: 'Open files (a socket is one) of the limit of the process.',
            normal: 'below 80 %.',
            otherwise: 'raise `ulimit -n`; the node lowers its bound of streams to what fits and says so at the start.',
            alerts: ['SelvageConnectionsNearLimit'],
          },
          'percentunit',
          `max(${ofProcess('process_open_fds')} / ${ofProcess('process_max_fds')})`,
          {
            limits: {
              steps: [
                [0.8, 'yellow'],
                [0.95, 'red'],
              ],
            },
            max: 1,
          },
        ),
        stat(
          {
            title: 'Versions',
            shows: 'How many versions of the program run.',
            normal: '1; 2 during a roll-out.',
            otherwise: '2 for long: a roll-out stands still. Versions side by side read each other’s positions.',
            alerts: ['SelvageNodeNotReady'],
          },
          'short',
          `count(count by (version) (${of('nodeInfo')}))`,
          {
            limits: {
              steps: [
                [2, 'yellow'],
                [3, 'red'],
              ],
            },
            decimals: 0,
          },
        ),
        stat(
          {
            title: 'Youngest node',
            shows: 'Time since the last start of any node.',
            normal: 'the time since the last roll-out or scaling.',
            otherwise:
              'minutes, again and again: a node is being killed or crashes; the marks on the panels show when, its last log line why.',
            alerts: ['SelvageNodeNotReady', 'SelvageMemoryNearLimit'],
          },
          's',
          `time() - max(${ofProcess('process_start_time_seconds')})`,
          { limits: { below: 'yellow', steps: [[600, 'green']] } },
        ),
      ],
    },
    {
      title: 'Nodes',
      height: 8,
      width: 24,
      panels: [
        table(
          {
            title: 'Nodes now',
            shows: 'Every node that is scraped.',
            normal: 'all ready, one version, alike within a role.',
            otherwise: 'the one that differs is where to look; choose it as Instance above.',
            alerts: ['SelvageNodeNotReady'],
          },
          'short',
          [
            ['', `max by (${node}, version, roles) (${of('nodeInfo')})`],
            ['', `max by (${node}) (${of('ready')})`],
            ['', `max by (${node}) (1000 * ${ofProcess('process_start_time_seconds')})`],
            ['', `max by (${node}) (${of('connections')})`],
            ['', `max by (${node}) (${cpu})`],
            ['', `max by (${node}) (${ofProcess('process_resident_memory_bytes')})`],
            ['', `sum by (${node}) (${of('partitionLag')})`],
          ],
          [
            { field: 'instance', title: 'Instance' },
            { field: 'job', title: 'Job' },
            { field: 'roles', title: 'Roles' },
            { field: 'version', title: 'Version' },
            { field: 'Value #B', title: 'Ready', limits: { below: 'red', steps: [[1, 'green']] } },
            { field: 'Value #C', title: 'Started', unit: 'dateTimeFromNow' },
            { field: 'Value #D', title: 'Open streams' },
            {
              field: 'Value #E',
              title: 'CPU',
              unit: 'percentunit',
              limits: {
                below: 'transparent',
                steps: [
                  [0.7, 'yellow'],
                  [0.9, 'red'],
                ],
              },
            },
            { field: 'Value #F', title: 'Memory', unit: 'bytes' },
            {
              field: 'Value #G',
              title: 'Records behind',
              limits: {
                below: 'transparent',
                steps: [
                  [100, 'yellow'],
                  [10_000, 'red'],
                ],
              },
            },
          ],
          ['Value #A', 'cluster', 'namespace'],
        ),
      ],
    },
    {
      title: 'CPU and the event loop',
      height: 8,
      width: 8,
      panels: [
        series(
          {
            title: 'CPU, by node',
            shows: 'Cores used, user and system.',
            normal: 'even over edges: each reads all records and has its share of readers.',
            otherwise: 'one above the others: more readers, or indexer of busy partitions.',
            alerts: ['SelvageEventLoopHeldUp'],
          },
          'percentunit',
          [['{{instance}}', `sum by (instance) (${cpu})`]],
          { limits: { steps: [[0.9, 'red']] } },
        ),
        series(
          {
            title: 'Event loop held up, p99, by node',
            shows: 'How late a timer runs, 99 of 100.',
            normal: 'below 50 ms.',
            otherwise: 'with high CPU: too much work. With low CPU: the container is throttled, or garbage collection (right).',
            alerts: ['SelvageEventLoopHeldUp'],
          },
          's',
          [['{{instance}}', quantile(0.99, 'eventLoopLag', 'instance')]],
          { limits: { steps: [[0.25, 'red']] } },
        ),
        heatmap(
          {
            title: 'Event loop, how late',
            shows: 'Timers by how late they ran, all nodes.',
            normal: 'below 5 ms.',
            otherwise: 'a second band: pauses of that length, see garbage collection.',
            alerts: ['SelvageEventLoopHeldUp'],
          },
          buckets('eventLoopLag'),
        ),
      ],
    },
    {
      title: 'Memory and files',
      height: 8,
      width: 8,
      panels: [
        series(
          {
            title: 'Memory, by node',
            shows: 'Resident memory, and the least limit of a container or machine.',
            normal: 'flat: recent events, Kafka’s buffers, some kilobytes a stream.',
            otherwise: 'rises without end while streams do not: take a heap snapshot before the node is killed.',
            alerts: ['SelvageMemoryNearLimit'],
          },
          'bytes',
          [
            ['{{instance}}', `max by (instance) (${ofProcess('process_resident_memory_bytes')})`],
            ['least limit', `min(${of('memoryLimit')})`],
          ],
          { bound: 'least limit' },
        ),
        series(
          {
            title: 'Heap and external memory, by node',
            shows: 'JavaScript’s heap in use, and memory outside of it (recent events, Kafka’s buffers).',
            normal: 'a saw-tooth for the heap; external follows `recent`.',
            otherwise: 'the heap’s lowest points rise: a leak. External rises: kept buffers.',
            alerts: ['SelvageMemoryNearLimit', 'SelvageRecentFull'],
          },
          'bytes',
          [
            ['{{instance}} heap', `max by (instance) (${ofProcess('nodejs_heap_size_used_bytes')})`],
            ['{{instance}} external', `max by (instance) (${ofProcess('nodejs_external_memory_bytes')})`],
          ],
        ),
        series(
          {
            title: 'Garbage collection, by node',
            shows: 'Share of time that is spent in it, by kind.',
            normal: 'below 5 %.',
            otherwise: '`major` above 10 %: the heap is near its limit (`--max-old-space-size`).',
            alerts: ['SelvageEventLoopHeldUp'],
          },
          'percentunit',
          [['{{instance}} {{kind}}', `sum by (instance, kind) (${gc})`]],
        ),
      ],
    },
  ],
});
