/**
 * What a load test runs against.
 *
 *   embedded  one node with everything in memory: needs nothing
 *   one       one node, Kafka, Redis
 *   two       two nodes behind nginx (TLS, HTTP/2), Kafka, Redis
 *   cluster   three edges behind nginx, two indexers, three Kafka brokers, Redis
 *   URL,…     what runs already
 *
 * All of it are processes on this machine, on free ports, and gone with the run.
 */
import { loadPlatform } from '../bench/platform.mjs';
import { startNode } from './node-process.mjs';
import { startProxy } from './proxy.mjs';

export const targetNames = ['embedded', 'one', 'two', 'cluster'];

const shapes = {
  one: { brokers: 1, edges: 1, indexers: 0, hasProxy: false },
  two: { brokers: 1, edges: 2, indexers: 0, hasProxy: true },
  cluster: { brokers: 3, edges: 3, indexers: 2, hasProxy: true },
};

/**
 * Starts a target.
 *
 * @param {string} target a name of `targetNames`, or addresses separated by commas
 * @param {{program?: string, partitions?: number, env?: Record<string, string>}} options
 * @returns {Promise<{baseUrls: string[], plainUrl?: string, caPath?: string, publishUrl: string, nodes: object[], brokers?: string, topic?: string,
 *   redisUrl?: string, close: () => Promise<void>}>} `caPath`: who vouches for https addresses; `plainUrl`: the proxy's without TLS
 */
export async function startTarget(target, options = {}) {
  if (/^https?:\/\//.test(target)) {
    const baseUrls = target.split(',').map((url) => url.trim().replace(/\/$/, ''));
    return { baseUrls, publishUrl: baseUrls[0], nodes: [], close: async () => undefined };
  }
  if (!targetNames.includes(target)) throw new Error(`--target: ${target} is none of ${targetNames.join(', ')}, and no address`);
  const parts = [];
  const close = async () => {
    for (const part of parts.reverse()) await part.close().catch(() => undefined);
  };
  try {
    const started = target === 'embedded' ? await startEmbedded(parts, options) : await startFabric(parts, shapes[target], options);
    return { ...started, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startEmbedded(parts, { program, env }) {
  const node = await keep(parts, startNode({ name: 'embedded', program, env }));
  return { baseUrls: [node.url], publishUrl: node.url, nodes: [node] };
}

async function startFabric(parts, { brokers, edges, indexers, hasProxy }, { program, partitions = 12, env = {} }) {
  const { KafkaCluster } = await loadPlatform('kafka-cluster');
  const { RedisServer } = await loadPlatform('redis-server');
  const kafka = await keep(parts, KafkaCluster.start({ brokers, properties: { 'num.partitions': String(partitions) } }));
  const redis = await keep(parts, RedisServer.start());
  const common = { KAFKA_BROKERS: kafka.brokers, REDIS_URL: redis.url, ...env };
  const roles = indexers > 0 ? { SELVAGE_ROLES: 'edge' } : {};
  const start = (name, more) => keep(parts, startNode({ name, program, env: { ...common, ...more } }));
  const nodes = [];
  for (let i = 0; i < edges; i++) nodes.push(await start(`edge-${i}`, roles));
  for (let i = 0; i < indexers; i++) await start(`indexer-${i}`, { SELVAGE_ROLES: 'indexer' });
  const urls = nodes.map((node) => node.url);
  const topic = 'selvage.events';
  if (!hasProxy) return { baseUrls: urls, publishUrl: urls[0], nodes, brokers: kafka.brokers, topic, redisUrl: redis.url };
  const proxy = await keep(parts, startProxy(nodes.map((node) => node.port)));
  // Published at the last node itself: the first is the one that is killed, and a publish that is cut off has an unknown end.
  const { url, plainUrl, caPath } = proxy;
  return { baseUrls: [url], plainUrl, caPath, publishUrl: urls.at(-1), nodes, brokers: kafka.brokers, topic, redisUrl: redis.url };
}

async function keep(parts, starting) {
  const part = await starting;
  parts.push(part);
  return part;
}
