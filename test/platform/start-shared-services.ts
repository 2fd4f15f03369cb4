import type { TestProject } from 'vitest/node';
import { KafkaCluster } from './kafka-cluster.js';
import { RedisServer } from './redis-server.js';
import { sweepRunFolders } from './run-folder.js';
import type {} from './shared-services.js';

interface Services {
  readonly kafka: KafkaCluster | undefined;
  readonly redis: RedisServer | undefined;
}

/** Each project loads this module anew, but the runner is one process: what is counted and shared hangs on its global object. */
interface Shelf {
  users: number;
  services: Promise<Services> | undefined;
}
const shelfKey = Symbol.for('selvage.test.shared-services');

/** Vitest's global set-up of every project with real servers: the first one in a run starts them, the last one out closes them. */
export default async function startSharedServices(project: TestProject): Promise<() => Promise<void>> {
  const holder = globalThis as unknown as Record<symbol, Shelf | undefined>;
  const shelf = (holder[shelfKey] ??= { users: 0, services: undefined });
  shelf.users++;
  shelf.services ??= startServices();
  const { kafka, redis } = await shelf.services;
  project.provide('sharedKafka', { brokers: kafka?.brokers ?? process.env['KAFKA_BROKERS'] ?? '', isProvided: kafka === undefined });
  project.provide('sharedRedis', { url: redis?.url ?? process.env['REDIS_URL'] ?? '', isProvided: redis === undefined });
  return async () => {
    shelf.users--;
    if (shelf.users > 0) return;
    shelf.services = undefined;
    await Promise.all([kafka?.close(), redis?.close()]);
  };
}

async function startServices(): Promise<Services> {
  sweepRunFolders();
  const [kafka, redis] = await Promise.all([
    process.env['KAFKA_BROKERS'] ? undefined : KafkaCluster.start(),
    process.env['REDIS_URL'] ? undefined : RedisServer.start(),
  ]);
  return { kafka, redis };
}
