import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryPath } from '../../platform/run-folder.js';

/** The version of Kubernetes that the chart is checked against, as in `1.36.3`. */
export function kubernetesVersion(): string {
  const path = join(repositoryPath, 'scripts', 'ops', 'tools', 'go-modules.json');
  const modules = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, { readonly version: string }>>;
  return modules['k8s.io/kubernetes']!.version.slice(1);
}
