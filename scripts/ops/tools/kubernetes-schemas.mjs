/** What manifests are checked against: custom resource definitions, and JSON schemas made of them and of Kubernetes' own, all from Go modules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildOnce, hashOf } from './build-once.mjs';

const here = import.meta.dirname;
const modulesPath = join(here, 'go-modules.json');

/** The folder of the custom resource definitions that the chart's optional parts need (Gateway API, Prometheus operator, KEDA), as YAML files. */
export async function provideCrds() {
  return join(await provideSchemaFolder(), 'crds');
}

/** For `kubeconform -schema-location`: strict schemas of Kubernetes' own kinds and of `provideCrds`. */
export async function provideKubernetesSchemas() {
  return join(await provideSchemaFolder(), 'schemas', '{{ .Group }}', '{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json');
}

function provideSchemaFolder() {
  const sources = [modulesPath, join(here, 'make-schemas.mjs'), join(here, 'to-json-schema.mjs')];
  return buildOnce({
    name: 'kubernetes-schemas',
    hash: hashOf({ paths: sources }),
    script: '"$NODE" "$MAKER" "$OUT"',
    env: { NODE: process.execPath, MAKER: join(here, 'make-schemas.mjs'), GOFLAGS: '-mod=mod', GOWORK: 'off' },
  });
}

/** The modules and their checksums. */
export function schemaModules() {
  return JSON.parse(readFileSync(modulesPath, 'utf8'));
}
