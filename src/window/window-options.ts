/** What tells the windows of one topic apart, and what its routes keep. */
export interface WindowTopic {
  /** Changes whenever what the window would hold for the topic changes: a changed route starts with a floor of its own. */
  readonly fingerprint: string;
  /** Set by an operator when the topic's offsets began anew. */
  readonly generation: string;
  /**
   * The longest lifetime of a latest event over the topic's routes, milliseconds. So long after indexing began in the middle of the log, a
   * channel without a latest event is known to have none. Absent: then only indexing from offset 0 tells that.
   */
  readonly latestTtlMs?: number;
}

/** How a window is laid out; the same for the memory and the Redis form, and the same on every node. */
export interface WindowOptions {
  /** Begins every key; must not hold braces, blanks or control characters. */
  readonly prefix: string;
  /** W: everything younger is kept, milliseconds. 1 s to 1 day. */
  readonly ageMs: number;
  /** Most entries of one channel in one partition; older ones are trimmed, exactly. At least 1. */
  readonly eventsPerChannelMax: number;
  /** Into how many parts channels are hashed; each part of a partition may live on another node of a Redis Cluster. Default 1; 1 to 256. */
  readonly bucketCount?: number;
  /** The topic's fingerprint and generation; asked once a topic. */
  describeTopic(topic: string): WindowTopic;
}

/** The lifetimes that follow from the window's age. */
export interface WindowLifetimes {
  readonly ageMs: number;
  /** Time between two marks of the floor: the window is longer than `ageMs` by at most this. */
  readonly markEveryMs: number;
  /**
   * Of streams: a floor was set at most W ago from marks at most W and one mark's spacing old, so a stream must outlive 2 W and a mark.
   */
  readonly streamTtlMs: number;
  /** Of `high`: far longer than anything it guards. */
  readonly stateTtlMs: number;
}

/** Marks kept in one window's age. */
const marksPerAge = 64;
const dayMs = 86_400_000;

/** Derives the lifetimes; throws a RangeError that names the option that cannot be used. */
export function windowLifetimes(options: WindowOptions): WindowLifetimes {
  const { ageMs, eventsPerChannelMax, bucketCount = 1, prefix } = options;
  const check = (fits: boolean, what: string): void => {
    if (!fits) throw new RangeError(`replay window: ${what}`);
  };
  check(Number.isInteger(ageMs) && ageMs >= 1_000 && ageMs <= dayMs, 'ageMs must be a whole number from 1000 to 86400000');
  check(Number.isInteger(eventsPerChannelMax) && eventsPerChannelMax >= 1, 'eventsPerChannelMax must be a whole number from 1');
  check(Number.isInteger(bucketCount) && bucketCount >= 1 && bucketCount <= 256, 'bucketCount must be a whole number from 1 to 256');
  check(/^[^{}\s\p{Cc}]+$/u.test(prefix), 'prefix must not be empty or hold braces, blanks or control characters');
  return {
    ageMs,
    markEveryMs: Math.max(1, Math.floor(ageMs / marksPerAge)),
    streamTtlMs: Math.ceil(ageMs * 2.25),
    stateTtlMs: Math.max(7 * dayMs, 8 * ageMs),
  };
}
