import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRunFolder } from './run-folder.js';
import { SelvageNode } from './selvage-node.js';
import { uniqueName } from './unique-name.js';

export interface FixtureOptions {
  readonly brokers: string;
  /** Null: no window. */
  readonly redisUrl: string | null;
  readonly routes: readonly object[];
  readonly env?: Readonly<Record<string, string>>;
  readonly waitsUntilReady?: boolean;
}

/** A node of a group of its own with these routes and otherwise the defaults of a deployment. `close` it. */
export function startNode({ brokers, redisUrl, routes, env = {}, waitsUntilReady = true }: FixtureOptions): Promise<SelvageNode> {
  return SelvageNode.start({
    waitsUntilReady,
    env: {
      HOST: '127.0.0.1',
      KAFKA_BROKERS: brokers,
      ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
      SELVAGE_CONFIG: writeConfigFile({ routes }),
      SELVAGE_GROUP: uniqueName('fixture'),
      SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0',
      ...env,
    },
  });
}

/** A configuration file (JSON is YAML) in a folder that a later run sweeps; its path. */
export function writeConfigFile(content: object | string): string {
  const path = join(makeRunFolder('config'), 'selvage.yaml');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** The sum of a metric's samples whose labels hold all of `labels`, e.g. `{reason: 'expired'}`; 0 when there are none. */
export async function readMetric(node: SelvageNode, name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const text = await (await fetch(`${node.adminUrl}/metrics`)).text();
  let sum = 0;
  for (const [, labelText = '', value] of text.matchAll(new RegExp(`^${name}(\\{[^}]*\\})? (\\S+)`, 'gm'))) {
    if (Object.entries(labels).every(([label, wanted]) => labelText.includes(`${label}="${wanted}"`))) sum += Number(value);
  }
  return sum;
}
