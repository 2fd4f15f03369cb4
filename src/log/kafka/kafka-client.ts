import kafkajs from 'kafkajs';
import type { Kafka } from 'kafkajs';
import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { KafkaConnectionOptions } from './kafka-connection.js';
import { makeSasl } from './kafka-sasl.js';
import { makeSocketFactory } from './kafka-tls.js';
import { makeLogCreator } from './kafkajs-logger.js';

/** Makes kafkajs clients, one for each `role`, which ends its client id. They share tokens. Nothing connects yet. */
export function kafkaClientOpener(connection: KafkaConnectionOptions, environment: Environment, logger: Logger): (role: string) => Kafka {
  const sasl = connection.sasl === undefined ? {} : { sasl: makeSasl(connection.sasl, environment.clock) };
  return (role) =>
    new kafkajs.Kafka({
      clientId: `${connection.clientIdPrefix ?? 'selvage'}-${role}`,
      brokers: [...connection.brokers],
      socketFactory: makeSocketFactory(connection.tls),
      ...sasl,
      connectionTimeout: connection.connectTimeoutMs ?? 3_000,
      authenticationTimeout: connection.requestTimeoutMs ?? 10_000,
      requestTimeout: connection.requestTimeoutMs ?? 10_000,
      // Who uses the client supervises it: few tries here, a fresh start there.
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false },
      logLevel: kafkajs.logLevel.WARN,
      logCreator: makeLogCreator(logger),
    });
}
