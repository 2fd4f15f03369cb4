import { kafkaConnectionOf } from '../compose-options.js';
import type { Config } from '../config/config.js';
import { KafkaSurvey } from '../log/kafka/kafka-survey.js';
import { systemEnvironment } from '../std/system-environment.js';
import { silentLogger } from '../telemetry/silent-logger.js';
import { CommandError } from './command-context.js';
import { exitCodes } from './exit-codes.js';

/** Asks the configured Kafka, and closes the connection. Rejects with a `CommandError` where none is configured, a `LogError` when it does not answer. */
export async function withKafka<T>(config: Config, ask: (survey: KafkaSurvey) => Promise<T>): Promise<T> {
  if (config.isEmbedded) {
    throw new CommandError(
      'no Kafka is configured (KAFKA_BROKERS, kafka.brokers): a node like that keeps everything in its memory',
      exitCodes.unusable,
    );
  }
  const survey = new KafkaSurvey(kafkaConnectionOf(config), systemEnvironment, silentLogger);
  try {
    return await ask(survey);
  } finally {
    await survey.close();
  }
}
