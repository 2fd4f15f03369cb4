import { LogError } from '../event-log.js';

interface KafkajsErrorLike {
  readonly name?: string;
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

const types = (error: unknown): readonly string[] => {
  const found: string[] = [];
  for (let one = error as KafkajsErrorLike | undefined, depth = 0; one !== undefined && one !== null && depth < 8; depth++) {
    if (typeof one.type === 'string') found.push(one.type);
    one = one.cause as KafkajsErrorLike | undefined;
  }
  return found;
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
