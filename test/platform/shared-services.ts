/**
 * The one Kafka and the one Redis that all tests of a run share.
 *
 *     import { sharedKafka, sharedRedis } from '../platform/shared-services.js';
 *     const kafka = new kafkajs.Kafka({ brokers: sharedKafka().brokers.split(',') });
 *     const redis = new ioredis.Redis(sharedRedis().url);
 *
 * They are there in every project but `unit` and `simulation` (also for `npx vitest run path/of/one.test.ts`), started by `start-shared-services.ts`, or given by the
 * environment: `KAFKA_BROKERS`, `REDIS_URL`. Share them by unique names (`uniqueName`); never flush, stop or reconfigure them. A test that has to do that starts its own
 * `KafkaCluster` / `RedisServer`, and says so to runs that were given theirs:
 *
 *     test.skipIf(sharedKafka().isProvided)('a killed broker ...', async () => { await using kafka = await KafkaCluster.start(); ... });
 */
import { inject } from 'vitest';

export interface SharedService {
  /** Given by the environment: it may not be killed, and this machine may have no means to start another. */
  readonly isProvided: boolean;
}

declare module 'vitest' {
  export interface ProvidedContext {
    sharedKafka: SharedService & { readonly brokers: string };
    sharedRedis: SharedService & { readonly url: string };
  }
}

/** The run's Kafka: `brokers` is `host:port[,host:port]`. */
export function sharedKafka(): SharedService & { readonly brokers: string } {
  return inject('sharedKafka');
}

/** The run's Redis: `url` is `redis://host:port`. */
export function sharedRedis(): SharedService & { readonly url: string } {
  return inject('sharedRedis');
}
