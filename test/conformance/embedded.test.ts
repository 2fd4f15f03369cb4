import { afterAll, beforeAll } from 'vitest';
import { SelvageNode } from '../platform/selvage-node.js';
import { describeConformance } from './suite.js';

/** An address to test instead of nodes of our own. */
const givenUrl = process.env['SELVAGE_BASE_URL'];
const keepAliveMs = 300;
let node: SelvageNode | null = null;

beforeAll(async () => {
  if (givenUrl === undefined) node = await SelvageNode.start({ env: { SELVAGE_STREAM_KEEP_ALIVE_MS: String(keepAliveMs) } });
});
afterAll(() => node?.close());

describeConformance(givenUrl ?? 'an embedded node', () =>
  node === null ? { baseUrl: (givenUrl ?? '').replace(/\/$/, ''), keepAliveMs: null } : { baseUrl: node.url, keepAliveMs },
);
