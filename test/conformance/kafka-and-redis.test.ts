import { afterAll, beforeAll, describe } from 'vitest';
import { SelvageNode } from '../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../platform/shared-services.js';
import { uniqueName } from '../platform/unique-name.js';
import { writeConfig } from './write-config.js';
import { describeConformance } from './suite.js';

const keepAliveMs = 300;
let node: SelvageNode | null = null;

describe.skipIf(process.env['SELVAGE_BASE_URL'] !== undefined)('with real servers', () => {
  beforeAll(async () => {
    // The routes of a node that is told none, on a topic of this run.
    const config = writeConfig([
      {
        topic: uniqueName('conformance'),
        channels: ['{key|raw}'],
        keyed: 'murmur2',
        type: ['{header:ce_type}', '{header:selvage-type|message}'],
        publish: true,
      },
    ]);
    node = await SelvageNode.start({
      env: {
        KAFKA_BROKERS: sharedKafka().brokers,
        REDIS_URL: sharedRedis().url,
        SELVAGE_CONFIG: config,
        SELVAGE_GROUP: uniqueName('conformance'),
        SELVAGE_STREAM_KEEP_ALIVE_MS: String(keepAliveMs),
      },
    });
  });
  afterAll(() => node?.close());

  describeConformance('a node on Kafka and Redis', () => ({ baseUrl: node?.url ?? '', keepAliveMs }));
});
