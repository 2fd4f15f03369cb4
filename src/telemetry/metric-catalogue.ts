import { closeCatalogue } from '../protocol/close-catalogue.js';
import { errorCatalogue } from '../protocol/error-catalogue.js';
import { gapCauses, gapReasons } from '../protocol/names.js';

/**
 * Every metric of the program, once. Dashboards, alerts and the documentation are checked against this list. No label grows with users,
 * channels or connections: topics and partitions are the operator's own, everything else comes from a closed catalogue.
 */

export interface MetricEntry {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /**
   * Label values that are known beforehand, a row a series (for a label `topic`: of the labels after it, once a routed topic). Such a counter begins at
   * 0, because the first increment of a series that was not there is no increase to Prometheus.
   */
  readonly series?: readonly (readonly string[])[];
  /** Of a gauge without labels: it is not there before it is first set, instead of 0. */
  readonly isAbsentAtFirst?: boolean;
  /** Upper bounds of a histogram, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const workBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const lagBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const onePerTopic = [[]];
const rows = (...values: readonly string[]): readonly (readonly string[])[] => values.map((value) => [value]);
const lifetimeBuckets = [1, 5, 15, 30, 60, 120, 300, 480, 600, 1_800, 3_600, 14_400, 86_400];

export const metricCatalogue = {
  // log
  recordsRead: { kind: 'counter', name: 'selvage_log_records_read_total', help: 'Records read by the tail.', labels: ['topic'] },
  bytesRead: {
    kind: 'counter',
    name: 'selvage_log_read_bytes_total',
    help: 'Bytes of keys and values read by the tail.',
    labels: ['topic'],
  },
  partitionLag: {
    kind: 'gauge',
    name: 'selvage_log_lag_records',
    help: 'Records between the tail and the end of the partition.',
    labels: ['topic', 'partition'],
  },
  partitionEnd: {
    kind: 'gauge',
    name: 'selvage_log_end_offset',
    help: 'Offset that the next record of the partition will get.',
    labels: ['topic', 'partition'],
  },
  fetchAge: { kind: 'gauge', name: 'selvage_log_fetch_age_seconds', help: 'Time since the log last answered a fetch of the tail.' },
  tailHoles: {
    kind: 'counter',
    name: 'selvage_log_tail_holes_total',
    help: 'Stretches that were lost to the tail before it could read them.',
    labels: ['topic'],
    series: onePerTopic,
  },
  tailRestarts: { kind: 'counter', name: 'selvage_log_tail_restarts_total', help: 'Times that the tail consumer was started anew.' },
  topicResets: {
    kind: 'counter',
    name: 'selvage_log_topic_resets_total',
    help: 'Partitions whose end fell below what was read.',
    labels: ['topic'],
    series: onePerTopic,
  },
  fetches: { kind: 'counter', name: 'selvage_log_fetches_total', help: 'Fetches of the tail that Kafka answered.' },
  fetchPace: { kind: 'gauge', name: 'selvage_log_fetch_pace_seconds', help: 'Least time that the tail leaves between fetches.' },
  // routing
  unrouted: {
    kind: 'counter',
    name: 'selvage_unrouted_records_total',
    help: 'Records that no route selects.',
    labels: ['topic'],
    series: onePerTopic,
  },
  channelsSkipped: {
    kind: 'counter',
    name: 'selvage_skipped_channels_total',
    help: 'Channels that a record was not sent to, by reason.',
    labels: ['topic', 'reason'],
    series: rows('missing-value', 'invalid-channel', 'too-many-channels'),
  },
  typesReplaced: {
    kind: 'counter',
    name: 'selvage_replaced_types_total',
    help: 'Events whose type could not be used.',
    labels: ['topic'],
    series: onePerTopic,
  },
  undecodable: {
    kind: 'counter',
    name: 'selvage_undecodable_records_total',
    help: 'Records that cannot be decoded.',
    labels: ['topic', 'reason'],
    series: rows('invalid-utf8', 'invalid-json', 'invalid-cloudevent', 'oversized'),
  },
  deadLettered: {
    kind: 'counter',
    name: 'selvage_dead_letters_total',
    help: 'Records for the dead-letter topic.',
    labels: ['topic', 'outcome'],
    series: rows('written', 'rate-capped'),
  },
  keyedBreaches: {
    kind: 'counter',
    name: 'selvage_keyed_breaches_total',
    help: 'Records of a keyed topic outside their home partition.',
    labels: ['topic'],
    series: onePerTopic,
  },
  // indexer and window
  windowEvents: {
    kind: 'counter',
    name: 'selvage_window_events_written_total',
    help: 'Events written into the replay window.',
    labels: ['topic'],
  },
  windowWrite: {
    kind: 'histogram',
    name: 'selvage_window_write_seconds',
    help: 'Time of one write into the replay window.',
    buckets: workBuckets,
  },
  windowHigh: {
    kind: 'gauge',
    name: 'selvage_window_high_offset',
    help: 'Offset up to which the partition is indexed.',
    labels: ['topic', 'partition'],
  },
  windowFloor: {
    kind: 'gauge',
    name: 'selvage_window_floor_offset',
    help: 'Offset above which the window vouches for the partition; absent while nothing vouches.',
    labels: ['topic', 'partition'],
  },
  windowFailures: {
    kind: 'counter',
    name: 'selvage_window_failures_total',
    help: 'Operations that the window did not answer.',
    labels: ['operation'],
    series: rows('write', 'renew', 'vouched', 'drop', 'read', 'newest', 'latest', 'latch-breach', 'breaches', 'share-counts'),
  },
  windowUsable: {
    kind: 'gauge',
    name: 'selvage_window_usable',
    help: '1 while the window may be believed, else 0; absent where there is none.',
    isAbsentAtFirst: true,
  },
  redisUp: {
    kind: 'gauge',
    name: 'selvage_redis_up',
    help: '1 while Redis can be reached, else 0; absent where none is configured.',
    isAbsentAtFirst: true,
  },
  // recent and hub
  recentEvents: { kind: 'gauge', name: 'selvage_recent_events', help: 'Events held in memory.' },
  recentBytes: { kind: 'gauge', name: 'selvage_recent_bytes', help: 'Bytes of the events held in memory.' },
  eventsSent: { kind: 'counter', name: 'selvage_events_sent_total', help: 'Events handed to sockets.' },
  bytesSent: { kind: 'counter', name: 'selvage_sent_bytes_total', help: 'Bytes of events handed to sockets.' },
  delivery: {
    kind: 'histogram',
    name: 'selvage_delivery_seconds',
    help: 'Record time to socket write of each event, once for all readers of the same; not of what was there before the reader, or waited for its socket.',
    buckets: latencyBuckets,
  },
  recentBytesMax: { kind: 'gauge', name: 'selvage_recent_bytes_max', help: 'Most bytes of events that may be held in memory.' },
  subscribers: { kind: 'gauge', name: 'selvage_subscribers', help: 'Subscribers by state.', labels: ['state'] },
  // resume
  resumes: {
    kind: 'counter',
    name: 'selvage_resumes_total',
    help: 'Readers that came back and were brought to the present, by the deepest tier that they needed; late: with a gap of their own doing.',
    labels: ['tier', 'outcome'],
    series: ['recent', 'window', 'log'].flatMap((tier) => ['complete', 'gap', 'late'].map((outcome) => [tier, outcome])),
  },
  gaps: {
    kind: 'counter',
    name: 'selvage_gaps_total',
    help: 'Gaps that readers were told of, and whose doing they were: reader, which was away too long or sent no position of ours, or fabric.',
    labels: ['reason', 'cause'],
    series: gapReasons.flatMap((reason) => gapCauses.map((cause) => [reason, cause])),
  },
  replaysStarted: { kind: 'counter', name: 'selvage_replays_started_total', help: 'Catch-ups begun.' },
  replay: { kind: 'histogram', name: 'selvage_replay_seconds', help: 'Time of one catch-up.', buckets: latencyBuckets },
  replaysWaiting: { kind: 'gauge', name: 'selvage_replays_waiting', help: 'Catch-ups that wait for their turn.' },
  replaysWaitingMax: { kind: 'gauge', name: 'selvage_replays_waiting_max', help: 'Most catch-ups that may wait for their turn.' },
  replaysShared: { kind: 'counter', name: 'selvage_replays_shared_total', help: 'Page reads answered by a read of another subscriber.' },
  scanned: { kind: 'counter', name: 'selvage_scanned_records_total', help: 'Records read from the log for catch-ups.' },
  // http
  connections: { kind: 'gauge', name: 'selvage_connections', help: 'Open streams.' },
  connectionsMax: { kind: 'gauge', name: 'selvage_connections_max', help: 'Most streams that this node lets stand open at a time.' },
  connectionsOpened: { kind: 'counter', name: 'selvage_connections_opened_total', help: 'Streams opened.' },
  connectionsClosed: {
    kind: 'counter',
    name: 'selvage_connections_closed_total',
    help: 'Streams closed, by reason.',
    labels: ['reason'],
    series: rows(...Object.keys(closeCatalogue), 'client-gone', 'peer-stalled', 'shutdown'),
  },
  connection: { kind: 'histogram', name: 'selvage_connection_seconds', help: 'Lifetime of a stream.', buckets: lifetimeBuckets },
  connectionsStalled: { kind: 'gauge', name: 'selvage_connections_stalled', help: 'Open streams whose peer takes no bytes.' },
  streamsRefused: {
    kind: 'counter',
    name: 'selvage_stream_refusals_total',
    help: 'Streams and polls refused, by error code, with those that are told so by an answer of 200.',
    labels: ['code'],
    series: rows(...Object.keys(errorCatalogue)),
  },
  requests: { kind: 'counter', name: 'selvage_http_requests_total', help: 'Requests answered.', labels: ['route', 'status'] },
  published: {
    kind: 'counter',
    name: 'selvage_published_events_total',
    help: 'Events offered for publishing over HTTP, by what came of them: accepted, or the code of the error.',
    labels: ['outcome'],
    series: rows('accepted', 'invalid-event', 'channel-forbidden', 'rate-limited', 'log-unavailable', 'outcome-unknown'),
  },
  // control
  controlCommands: {
    kind: 'counter',
    name: 'selvage_control_commands_total',
    help: 'Commands to all nodes, by kind and by what became of them.',
    labels: ['kind', 'outcome'],
    series: [
      ...['disconnect', 'renew', 'evict'].flatMap((kind) => ['sent', 'applied', 'failed'].map((outcome) => [kind, outcome])),
      ['none', 'invalid'],
      ['none', 'unknown'],
    ],
  },
  controlDelay: {
    kind: 'histogram',
    name: 'selvage_control_delay_seconds',
    help: 'Sending of a command to its arrival at this node.',
    buckets: latencyBuckets,
  },
  controlUnread: {
    kind: 'gauge',
    name: 'selvage_control_unread_records',
    help: 'Records of the control topic that are still to be read back.',
  },
  revocations: { kind: 'gauge', name: 'selvage_revocations', help: 'Revoked tokens and subjects held in memory.' },
  revocationsWidened: {
    kind: 'counter',
    name: 'selvage_revocations_widened_total',
    help: 'Times that all tokens issued until then were refused, because single revocations did not fit or could not be read.',
  },
  // identity
  tokens: {
    kind: 'counter',
    name: 'selvage_auth_tokens_total',
    help: 'Tokens looked at, by what came of it.',
    labels: ['outcome'],
    series: rows('cached', 'verified', 'refused', 'unavailable'),
  },
  keyRefreshes: {
    kind: 'counter',
    name: 'selvage_auth_key_refreshes_total',
    help: 'Looks for newer keys of an issuer, by what came of it.',
    labels: ['issuer', 'outcome'],
  },
  keysAge: {
    kind: 'gauge',
    name: 'selvage_auth_keys_age_seconds',
    help: 'Time since the key set of an issuer was fetched.',
    labels: ['issuer'],
  },
  keysRefresh: {
    kind: 'gauge',
    name: 'selvage_auth_keys_refresh_seconds',
    help: 'Usual time between fetches of the key set of an issuer.',
    labels: ['issuer'],
  },
  tickets: {
    kind: 'counter',
    name: 'selvage_auth_tickets_total',
    help: 'Tickets presented, by what came of it.',
    labels: ['outcome'],
    series: rows('first', 'again', 'refused', 'unavailable'),
  },
  permissions: {
    kind: 'counter',
    name: 'selvage_permission_hook_questions_total',
    help: 'Permissions of streams that an application decides, by what came of it: remembered and shared ones were not asked again.',
    labels: ['outcome'],
    series: rows('remembered', 'shared', 'allowed', 'forbidden', 'unknown', 'unavailable'),
  },
  permissionHook: {
    kind: 'histogram',
    name: 'selvage_permission_hook_seconds',
    help: 'A question to the permission hook, to its answer or failure.',
    buckets: latencyBuckets,
  },
  // limits
  admissions: {
    kind: 'counter',
    name: 'selvage_stream_admissions_total',
    help: 'Streams and polls that asked to begin: admitted, let in as overlap, or refused by the limit named.',
    labels: ['outcome'],
    series: rows(
      ...[
        'admitted',
        'overlap',
        'user-streams',
        'tenant-streams',
        'address-streams',
        'user-connects',
        'tenant-connects',
        'address-connects',
      ],
    ),
  },
  publishRefusals: {
    kind: 'counter',
    name: 'selvage_publish_refusals_total',
    help: 'Publishes that a rate refused.',
    labels: ['limit'],
    series: rows('user-publishes', 'tenant-publishes'),
  },
  leasesHeld: { kind: 'gauge', name: 'selvage_leases_held', help: 'Places of streams that this node holds.' },
  limitsAlone: {
    kind: 'gauge',
    name: 'selvage_limits_fallback',
    help: '1 while limits that should hold over all nodes are held by each alone, else 0.',
  },
  overlapsJudged: {
    kind: 'counter',
    name: 'selvage_overlaps_judged_total',
    help: 'Streams that were let in beyond the limit, as judged at the end of their time.',
    labels: ['outcome'],
    series: rows('kept', 'closed'),
  },
  // process
  eventLoopLag: {
    kind: 'histogram',
    name: 'selvage_event_loop_lag_seconds',
    help: 'How late a timer of the event loop ran.',
    buckets: lagBuckets,
  },
  memoryLimit: {
    kind: 'gauge',
    name: 'selvage_memory_limit_bytes',
    help: 'Memory that the process may have: the limit of its container, else that of the machine.',
  },
  nodeInfo: {
    kind: 'gauge',
    name: 'selvage_node_info',
    help: '1; the version of the program and the roles of the process.',
    labels: ['version', 'roles'],
  },
  ready: { kind: 'gauge', name: 'selvage_ready', help: '1 while the node is ready for traffic, else 0.' },
} as const satisfies Record<string, MetricEntry>;

export type MetricKey = keyof typeof metricCatalogue;
