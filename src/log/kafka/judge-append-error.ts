/**
 * What an error of a produce request says about its records.
 *
 * - `unsent`: the request never left; nothing is in the log of it.
 * - `refused`: the broker will never take these records.
 * - `out-of-step`: the broker did not take them, because it counts otherwise than we do.
 * - `doubtful`: they may be in the log (no answer; or appended by the leader, and not yet copied when it answered).
 */
export type AppendVerdict = 'unsent' | 'refused' | 'out-of-step' | 'doubtful';

/** Errors of the protocol (Kafka's `Errors`) after which the records are certainly not in the log. All others leave a doubt: a leader that moved may have written them before. */
const refusals = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'INVALID_TIMESTAMP',
  'POLICY_VIOLATION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'INVALID_REQUIRED_ACKS',
]);
const outOfStep = new Set(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING']);
/** Checked before anything is written. */
const notTaken = new Set(['NOT_ENOUGH_REPLICAS', 'CORRUPT_MESSAGE']);

interface KafkajsErrorLike {
  readonly name?: string;
  readonly type?: string;
  readonly code?: number;
}

/** `wasSent`: the error came from the request itself, not from what has to be known before it. */
export function judgeAppendError(error: unknown, wasSent: boolean): AppendVerdict {
  const { name, type = '', code } = (error ?? {}) as KafkajsErrorLike;
  // INVALID_RECORD (87), which kafkajs has no name for.
  if (refusals.has(type) || code === 87 || name === 'KafkaJSSASLAuthenticationError') return 'refused';
  if (!wasSent || notTaken.has(type) || name === 'KafkaJSConnectionError') return 'unsent';
  return outOfStep.has(type) ? 'out-of-step' : 'doubtful';
}
