import { afterAll, beforeAll } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { jwtSecret } from './open-stream.js';
import { testShippedStreams } from './shipped-streams.js';

let node: SelvageNode;
beforeAll(async () => {
  node = await SelvageNode.start({
    env: {
      SELVAGE_CONFIG: 'deploy/streams.yaml',
      SELVAGE_JWT_SECRET: jwtSecret,
      SELVAGE_AUTH_ANONYMOUS_READ: '',
      SELVAGE_MAX_CONNECTIONS_PER_USER: '100',
    },
  });
}, 60_000);
afterAll(() => node.close());

testShippedStreams({ url: () => node.url, publishUrl: () => node.url });
