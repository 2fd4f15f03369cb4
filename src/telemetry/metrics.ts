import type { GapCause, GapReason, TierName } from '../protocol/names.js';

/** Every number that the program reports, as verbs. No label grows with users or channels. */
export interface Metrics {
  // log
  recordsRead(topic: string, count: number, bytes: number): void;
  /** `records` are still to be read up to `end`, the offset that the next one will get. */
  partitionLag(topic: string, partition: number, records: number, end: number): void;
  fetchAge(seconds: number): void;
  tailHole(topic: string): void;
  tailRestarted(): void;
  topicReset(topic: string): void;
  fetchAnswered(): void;
  fetchPace(ms: number): void;
  // routing
  /** A topic of the routes, told once at the start: its counters begin at 0. */
  topicRouted(topic: string): void;
  unrouted(topic: string): void;
  channelSkipped(topic: string, why: string): void;
  typeReplaced(topic: string): void;
  undecodable(topic: string, reason: string): void;
  deadLettered(topic: string, outcome: 'written' | 'rate-capped'): void;
  keyedBreach(topic: string): void;
  // indexer and window
  windowWritten(topic: string, events: number, seconds: number): void;
  windowVouched(topic: string, partition: number, high: number, floor: number | null): void;
  windowFailed(operation: string): void;
  windowUsable(usable: boolean): void;
  /** Never told where no Redis is configured. */
  redisUp(isUp: boolean): void;
  // recent and hub
  recentSize(events: number, bytes: number): void;
  /** The bound of that, told once at the start. */
  recentBytesMax(bytes: number): void;
  eventsSent(count: number, bytes: number): void;
  /** Record time to socket write of one event, to one reader or to all that are written the same; not of what was there before the reader, or waited for its socket. */
  delivered(seconds: number): void;
  subscribers(live: number, catchingUp: number): void;
  // resume
  /** `late`: there were gaps, all of the reader's own doing. */
  resumed(tier: TierName, outcome: 'complete' | 'gap' | 'late'): void;
  gapTold(reason: GapReason, cause: GapCause): void;
  replayStarted(): void;
  replayEnded(seconds: number): void;
  replayQueued(waiting: number): void;
  /** The bound of that, told once at the start. */
  replaysWaitingMax(count: number): void;
  replayShared(): void;
  scanned(records: number): void;
  // http
  connectionOpened(): void;
  connectionClosed(reason: string, seconds: number): void;
  /** Open streams whose peer takes no bytes now. */
  connectionsStalled(count: number): void;
  /** The bound of open streams, told once at the start. */
  connectionsMax(count: number): void;
  /** A stream or poll was refused, whatever the status of the answer. */
  streamRefused(code: string): void;
  requestAnswered(route: string, status: number): void;
  published(outcome: string, count: number): void;
  // control
  /** Outcomes: `sent`, `failed`; at the receiver `applied`, `invalid`, `unknown`. */
  controlCommand(kind: string, outcome: string): void;
  /** From sending to arrival. */
  controlArrived(seconds: number): void;
  /** Records of the control topic that are still to be read back. */
  controlUnread(records: number): void;
  revocationsHeld(count: number): void;
  /** A revocation no longer fitted, or could not be read: all tokens issued until then are refused. */
  revocationsWidened(): void;
  // identity
  /** A credential was looked at; `cached`: it was known. */
  tokenChecked(outcome: 'cached' | 'verified' | 'refused' | 'unavailable'): void;
  /** An issuer's keys were looked for, by the name that the operator gave it. */
  keysRefreshed(issuer: string, outcome: 'changed' | 'same' | 'failed'): void;
  /** Time since the key set was last fetched, and how often it is to be. */
  keysAge(issuer: string, seconds: number, refreshSeconds: number): void;
  ticketOpened(outcome: 'first' | 'again' | 'refused' | 'unavailable'): void;
  /**
   * Whether somebody may read a stream was to be asked of the application. `shared`: the same question was under way; `unavailable`: it failed, did
   * not answer in time, is left alone for a while, or too many wait.
   */
  permissionAsked(outcome: 'remembered' | 'shared' | 'allowed' | 'forbidden' | 'unknown' | 'unavailable'): void;
  /** A question was sent and settled, answered or not. */
  permissionAnswered(seconds: number): void;
  // limits
  /** `outcome`: admitted, overlap, or the limit that refused. */
  streamAdmitted(outcome: string): void;
  publishRefused(limit: string): void;
  leasesHeld(count: number): void;
  /** Whether limits hold over all nodes; false while this node decides alone although it should not. */
  limitsShared(isShared: boolean): void;
  overlapJudged(outcome: 'kept' | 'closed'): void;
  // process
  eventLoopLag(seconds: number): void;
  /** Told once at the start. */
  running(version: string, roles: readonly string[]): void;
  ready(isReady: boolean): void;
  /** The text of `/metrics` and its content type. */
  expose(): Promise<{ readonly contentType: string; readonly body: string }>;
}
