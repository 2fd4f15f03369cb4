/** Where a reader's events were found. */
export type TierName = 'recent' | 'window' | 'log';

/** Why events may be missing. */
export const gapReasons = [
  'expired',
  'trimmed',
  'compacted',
  'unknown-position',
  'future-position',
  'other-cluster',
  'too-far',
  'store-lost',
] as const;
export type GapReason = (typeof gapReasons)[number];

/**
 * Whose doing a gap is, for who counts; readers are not told. `reader`: it was away for longer than the log or the bounds of a replay reach, or its
 * position is none of ours. `fabric`: everything else, above all what it would not have been told had everything been as it should.
 */
export const gapCauses = ['fabric', 'reader'] as const;
export type GapCause = (typeof gapCauses)[number];

/** Prefix of every event type that the fabric itself sends; no route may make one. */
export const controlPrefix = 'selvage.';

/** The events that the fabric itself sends. */
export const controlTypes = ['selvage.position', 'selvage.gap', 'selvage.token', 'selvage.close'] as const;
export type ControlType = (typeof controlTypes)[number];

/** Longest channel name, in bytes of UTF-8. */
export const channelBytesMax = 255;

/** Longest event type, in bytes of UTF-8. */
export const typeBytesMax = 64;

/** Most channels that one record may be sent to. */
export const recordChannelsMax = 16;
