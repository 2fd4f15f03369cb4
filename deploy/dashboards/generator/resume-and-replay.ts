import { frameDashboard } from './frame-dashboard.js';
import { heatmap, series, stat } from './panels.js';
import { buckets, increase, of, quantile, rate } from './promql.js';

const cameBack = `sum(${rate('resumes')})`;

/** Do readers that come back get what they missed, and from where? */
export const resumeAndReplay = frameDashboard({
  uid: 'selvage-resume',
  description:
    'Do readers that come back get what they missed, how fast, and from which tier: memory (recent), Redis (window) or Kafka (log)?',
  sections: [
    {
      title: 'Do readers that come back get what they missed?',
      height: 4,
      width: 3,
      panels: [
        stat(
          {
            title: 'Came back',
            shows: 'Readers that came back with a position and reached the present, a second.',
            normal: 'about open streams ÷ 540 s with the default greatest age of a stream.',
            otherwise: 'several times that: something cuts streams; "Streams closed, by reason" says what.',
            alerts: ['SelvageReconnectStorm'],
          },
          'cps',
          cameBack,
        ),
        stat(
          {
            title: 'With a gap of the fabric',
            shows: 'Share of them that missed events by the fabric’s doing.',
            normal: 'below 0.1 %. "none": nobody came back.',
            otherwise: '"Gaps told" has the reasons.',
            alerts: ['SelvageResumesGapped'],
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
            title: 'Came too late',
            shows:
              'Share of them with gaps of their own doing: away for longer than the log or the bounds of a replay reach, or a position that is not ours.',
            normal: 'below 5 %.',
            otherwise: 'retention or `replay.*` bounds are shorter than people are away, or a client sends wrong positions.',
            alerts: ['SelvageReadersLate'],
          },
          'percentunit',
          `sum(${rate('resumes', 'outcome="late"')}) / ${cameBack}`,
          { limits: { steps: [[0.05, 'yellow']] }, decimals: 2 },
        ),
        stat(
          {
            title: 'Catch-up, p99',
            shows: 'Time of a catch-up that needed more than memory, 99 of 100.',
            normal: 'below 1 s. "none": nobody needed one.',
            otherwise: 'read from Kafka instead of Redis (below), or waiting in line.',
            alerts: ['SelvageReplaysQueued'],
          },
          's',
          quantile(0.99, 'replay'),
          {
            limits: {
              steps: [
                [5, 'yellow'],
                [20, 'red'],
              ],
            },
          },
        ),
        stat(
          {
            title: 'Line for replay',
            shows: 'Page reads that wait, of those that may, on the fullest node.',
            normal: '0 %.',
            otherwise:
              'at 100 % readers are told to back off. After a node’s death it empties within seconds; if not, Redis or Kafka is slow.',
            alerts: ['SelvageReplaysQueued'],
          },
          'percentunit',
          `max(${of('replaysWaiting')} / ${of('replaysWaitingMax')})`,
          {
            limits: {
              steps: [
                [0.05, 'yellow'],
                [0.25, 'red'],
              ],
            },
            max: 1,
          },
        ),
        stat(
          {
            title: 'Nodes with a window',
            shows: 'Nodes that may believe the replay window in Redis.',
            normal: '100 %. "no window": none is configured.',
            otherwise: 'returns are read from Kafka: slower, nothing missed. Redis is away, full, or may evict (`maxmemory-policy`).',
            alerts: ['SelvageRedisAway', 'SelvageWindowUnusable'],
            more: ['selvage-log'],
          },
          'percentunit',
          `avg(${of('windowUsable')})`,
          { limits: { below: 'orange', steps: [[1, 'green']] }, max: 1, noValue: 'no window' },
        ),
        stat(
          {
            title: 'Gaps of the fabric',
            shows: 'How many gaps the fabric has caused in the time that the dashboard shows.',
            normal: '0.',
            otherwise: 'each is a reader that was told to load anew. "Gaps told, by reason" says when and why.',
            alerts: ['SelvageResumesGapped'],
          },
          'short',
          `sum(${increase('gaps', 'cause="fabric"')})`,
          {
            limits: {
              steps: [
                [1, 'yellow'],
                [100, 'red'],
              ],
            },
            decimals: 0,
          },
        ),
        stat(
          {
            title: 'Recent: fullest node',
            shows: 'Bytes of events in memory, of `recent.bytesMax`, on the fullest node.',
            normal: 'below 95 %: events leave by age.',
            otherwise: 'at 100 % they leave by size, so readers need the window or Kafka sooner: give it more, or expect it.',
            alerts: ['SelvageRecentFull'],
          },
          'percentunit',
          `max(${of('recentBytes')} / ${of('recentBytesMax')})`,
          { limits: { steps: [[0.95, 'yellow']] }, max: 1 },
        ),
      ],
    },
    {
      title: 'Who comes back, and from where they are served',
      height: 8,
      width: 12,
      panels: [
        series(
          {
            title: 'Readers that came back, by deepest tier',
            shows: 'The farthest place that a reader’s events were found in.',
            normal: 'nearly all `recent`; `window` after tab switches and sleep; little `log`.',
            otherwise: 'much `log`: the window is not used, indexers are behind, or readers are away for longer than `window.ageSeconds`.',
            alerts: ['SelvageWindowUnusable', 'SelvageIndexerLagging'],
            more: ['selvage-log'],
          },
          'cps',
          [['{{tier}}', `sum by (tier) (${rate('resumes')})`]],
          { isStacked: true },
        ),
        series(
          {
            title: 'Gaps told, by reason',
            shows: 'Gaps by reason and by whose doing: the reader’s, or the fabric’s.',
            normal: 'none of `fabric`.',
            otherwise:
              '`expired`: retention took it. `trimmed`, `compacted`: not held any more. `store-lost`: the topic was made again. `too-far`: bounds of `replay.*`. `unknown-position`, `other-cluster`, `future-position`: not a position of this fabric.',
            alerts: ['SelvageResumesGapped', 'SelvageReadersLate', 'SelvageTopicBeganAnew'],
          },
          'cps',
          [['{{reason}}, {{cause}}', `sum by (reason, cause) (${rate('gaps')}) > 0`]],
        ),
        series(
          {
            title: 'Streams opened and closed',
            shows: 'Streams opened, and closed by reason.',
            normal: '`max-age` and `client-gone`, as many as are opened.',
            otherwise: '`client-gone` in spikes: a proxy in front cuts (its idle time-out must be above `stream.keepAliveMs`).',
            alerts: ['SelvageReconnectStorm'],
          },
          'cps',
          [
            ['opened', `sum(${rate('connectionsOpened')})`],
            ['closed: {{reason}}', `sum by (reason) (${rate('connectionsClosed')}) > 0`],
          ],
        ),
        heatmap(
          {
            title: 'Lifetime of streams',
            shows: 'How long streams lived that ended.',
            normal: 'a band at 480 to 600 s (their greatest age), and people who leave.',
            otherwise: 'a sharp band at 30, 60 or 100 s is a proxy’s time-out.',
            alerts: ['SelvageReconnectStorm'],
          },
          buckets('connection'),
        ),
      ],
    },
    {
      title: 'The work of replay',
      height: 8,
      width: 8,
      panels: [
        series(
          {
            title: 'Catch-up time',
            shows: 'Time of one catch-up from Redis or Kafka.',
            normal: 'median below 50 ms, p99 below 1 s.',
            otherwise: 'compare with the line on the right, with Redis and with Kafka.',
            alerts: ['SelvageReplaysQueued'],
          },
          's',
          [
            ['median', quantile(0.5, 'replay')],
            ['p99', quantile(0.99, 'replay')],
          ],
        ),
        series(
          {
            title: 'Waiting and catching up',
            shows: 'Subscribers that are behind, and page reads that wait for their turn.',
            normal: 'both near 0; a hump when a node goes.',
            otherwise: 'a plateau: readers whose connection is slower than their channels, or a store that is slow.',
            alerts: ['SelvageReplaysQueued', 'SelvageSlowReaders'],
          },
          'short',
          [
            ['catching up', `sum(${of('subscribers', 'state="catching-up"')})`],
            ['page reads that wait', `sum(${of('replaysWaiting')})`],
            ['streams that take no bytes', `sum(${of('connectionsStalled')})`],
          ],
          { decimals: 0 },
        ),
        series(
          {
            title: 'Reads for catch-ups',
            shows: 'Catch-ups begun, page reads spared because another reader’s served them too, and records read from Kafka for them.',
            normal: 'few records for a catch-up.',
            otherwise: 'many records a catch-up: sparse channels in busy partitions; the window would spare it.',
            more: ['selvage-log'],
          },
          'cps',
          [
            ['catch-ups begun', `sum(${rate('replaysStarted')})`],
            ['page reads shared', `sum(${rate('replaysShared')})`],
            ['records read from Kafka', `sum(${rate('scanned')})`],
          ],
          { isLogarithmic: true },
        ),
      ],
    },
  ],
});
