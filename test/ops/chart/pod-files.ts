import { generateKeyPairSync } from 'node:crypto';
import type { Container, KubernetesObject, PodSpec, Volume } from './rendered-chart.js';
import { objectOf } from './rendered-chart.js';

/** What a Secret of the operator's would hold, by the file that the chart makes of it. */
export const sampleSecrets: Readonly<Record<string, string>> = {
  'kafka-sasl-password': 'kafka password',
  'kafka-sasl-client-secret': 'kafka client secret',
  'redis-url': 'rediss://user:password@redis.example.com:6379',
  'redis-password': 'redis password',
  'jwt-secret': 'thirty-two bytes or more of a secret for tokens',
  'ticket-secret': 'thirty-two bytes or more of a secret for tickets',
  'permission-hook-secret': 'permission-hook-secret',
  'admin-token': 'admin-token-of-enough-characters',
  'tracing-headers': 'authorization=Bearer%20token',
};

const samplePem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** What a container of a pod would read at a path, given the objects of the release; throws as `readFileSync` would where there is nothing. */
export function readInPod(objects: readonly KubernetesObject[], pod: PodSpec, container: Container, path: string): string {
  const mount = container.volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  const volume = pod.volumes.find(({ name }) => name === mount?.name);
  if (mount === undefined || volume === undefined) throw new Error(`ENOENT: nothing is mounted at ${path}`);
  const name = path.slice(mount.mountPath.length + 1);
  const text = readInVolume(objects, volume, name);
  if (text === undefined) throw new Error(`ENOENT: the volume ${volume.name} has no ${name}`);
  return text;
}

function readInVolume(objects: readonly KubernetesObject[], volume: Volume, name: string): string | undefined {
  const ownMap = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === volume.configMap?.name);
  if (ownMap !== undefined) return ownMap.data?.[name];
  // A Secret or ConfigMap of the operator's, mounted as a folder.
  if (volume.configMap !== undefined || volume.secret !== undefined) return samplePem;
  for (const { secret, configMap } of volume.projected?.sources ?? []) {
    const item = (secret ?? configMap)?.items?.find((one) => one.path === name);
    if (item === undefined) continue;
    const own = objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === secret?.name);
    if (own === undefined) return sampleSecrets[name] ?? samplePem;
    return Buffer.from(own.data?.[item.key] ?? '', 'base64').toString();
  }
  return undefined;
}

/** The variables of a container; those of the downward API from `fields`, by path. */
export function environmentOf(container: Container, fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    container.env.map(({ name, value, valueFrom }) => [name, value ?? fields[valueFrom?.fieldRef?.fieldPath ?? ''] ?? '']),
  );
}

/** The configuration that the init container would write: its input with the rack. */
export function withRack(objects: readonly KubernetesObject[], configMapName: string, rackId: string): string {
  const config = JSON.parse(objectOf(objects, 'ConfigMap', configMapName).data?.['selvage.json'] ?? '') as { kafka: object };
  return JSON.stringify({ ...config, kafka: { ...config.kafka, rackId } });
}
