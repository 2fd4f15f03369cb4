import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { provideCrds } from '../../../scripts/ops/tools/tools.mjs';
import { waitFor } from '../../platform/wait-for.js';
import { parseManifests } from './chart.js';
import type { KubeClient } from './kube-client.js';

interface Definition {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Makes the kinds of the chart's optional parts known to the server (Gateway API, Prometheus operator, KEDA); returns when it serves them. */
export async function installCrds(client: KubeClient): Promise<void> {
  const folder = await provideCrds();
  for (const file of readdirSync(folder).sort()) {
    for (const definition of parseManifests(readFileSync(join(folder, file), 'utf8'))) {
      const { status, body } = await client.apply(definition, '', 'for-real');
      if (status > 201) throw new Error(`${definition.metadata.name}: ${JSON.stringify(body)}`);
      await waitFor(() => isEstablished(client, definition.metadata.name), { what: `the server to serve ${definition.metadata.name}` });
    }
  }
}

async function isEstablished(client: KubeClient, name: string): Promise<boolean> {
  const { body } = await client.get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
  return ((body as Definition).status?.conditions ?? []).some(({ type, status }) => type === 'Established' && status === 'True');
}
