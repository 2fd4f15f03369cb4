import { afterAll, beforeAll } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { jwtSecret } from './open-stream.js';
import { testShippedStreams } from './shipped-streams.js';

/** Two nodes: what is published on one is read on the other. */
const nodes: SelvageNode[] = [];
beforeAll(async () => {
  const env = {
    HOST: '127.0.0.1',
    KAFKA_BROKERS: sharedKafka().brokers,
    REDIS_URL: sharedRedis().url,
    SELVAGE_CONFIG: 'deploy/streams.yaml',
    SELVAGE_GROUP: uniqueName('named'),
    SELVAGE_JWT_SECRET: jwtSecret,
    SELVAGE_AUTH_ANONYMOUS_READ: '',
    SELVAGE_MAX_CONNECTIONS_PER_USER: '100',
    SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0',
  };
  nodes.push(...(await Promise.all([SelvageNode.start({ env }), SelvageNode.start({ env })])));
}, 90_000);
afterAll(() => Promise.all(nodes.map((node) => node.close())));

testShippedStreams({ url: () => nodes[0]?.url ?? '', publishUrl: () => nodes[1]?.url ?? '' });
