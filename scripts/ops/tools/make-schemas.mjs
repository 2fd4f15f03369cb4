/** `node make-schemas.mjs <folder>`: fetches the modules and fills the folder with `crds/*.yaml` and `schemas/<group>/<kind>_<version>.json`. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { schemaModules } from './kubernetes-schemas.mjs';
import { customResourceSchema, nativeSchemas } from './to-json-schema.mjs';

const [, , outPath] = process.argv;
mkdirSync(join(outPath, 'crds'), { recursive: true });

for (const [name, module] of Object.entries(schemaModules())) {
  const folder = fetchModule(name, module);
  if (name === 'k8s.io/kubernetes') {
    const { definitions } = JSON.parse(readFileSync(join(folder, 'api', 'openapi-spec', 'swagger.json'), 'utf8'));
    for (const one of nativeSchemas(definitions)) write(one);
  }
  for (const file of module.crds ?? []) takeCrd(join(folder, file));
}

function takeCrd(path) {
  copyFileSync(path, join(outPath, 'crds', basename(path)));
  const { spec } = parse(readFileSync(path, 'utf8'));
  for (const { name, schema } of spec.versions) {
    write({ group: spec.group, version: name, kind: spec.names.kind, schema: customResourceSchema(schema.openAPIV3Schema) });
  }
}

function write({ group, version, kind, schema }) {
  // kubeconform takes the version for the group where there is none (`apiVersion: v1`).
  const folder = join(outPath, 'schemas', group || version);
  mkdirSync(folder, { recursive: true });
  const named = { $schema: 'http://json-schema.org/draft-07/schema#', ...schema };
  writeFileSync(join(folder, `${kind.toLowerCase()}_${version}.json`), JSON.stringify(named));
}

/** Only with the checksum that is written down: the proxy is not asked to be believed. */
function fetchModule(name, { version, sum }) {
  const said = execFileSync('go', ['mod', 'download', '-json', `${name}@${version}`], { cwd: '/', encoding: 'utf8', maxBuffer: 1e7 });
  const found = JSON.parse(said);
  if (found.Sum !== sum) throw new Error(`${name}@${version} is ${found.Sum}, not ${sum}`);
  return found.Dir;
}
