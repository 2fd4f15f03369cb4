import { LogError } from '../event-log.js';

interface KafkajsErrorLike {
  readonly name?: string;
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
  /** Of an aggregate: one for each topic of the request. */
  readonly errors?: readonly unknown[];
}

const depthMax = 8;

const types = (error: unknown, depth = 0): readonly string[] => {
  if (typeof error !== 'object' || error === null || depth >= depthMax) return [];
  const { type, cause, errors = [] } = error as KafkajsErrorLike;
  return [...(typeof type === 'string' ? [type] : []), ...[cause, ...errors].flatMap((inner) => types(inner, depth + 1))];
};

/** Whether Kafka said that there is no such topic. */
export const isUnknownTopic = (error: unknown): boolean => types(error).includes('UNKNOWN_TOPIC_OR_PARTITION');

/** Whether Kafka said that this may not be done. */
export const isForbidden = (error: unknown): boolean => types(error).some((type) => type.endsWith('AUTHORIZATION_FAILED'));

/** The error that the port promises, with what was asked for. */
export function toLogError(what: string, error: unknown): LogError {
  if (error instanceof LogError) return error;
  const { name, retriable } = error as KafkajsErrorLike;
  const isFinal = isUnknownTopic(error) || isForbidden(error) || (retriable === false && name !== 'KafkaJSNumberOfRetriesExceeded');
  return new LogError(`could not ${what}: ${error instanceof Error ? error.message : String(error)}`, !isFinal, { cause: error });
}
