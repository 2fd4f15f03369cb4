/**
 * The tools of operators that tests and checks run, each provided once into `.cache/ops/` (or by apt-get) and found there ever after. Each `provideX` returns the
 * path of the program; it rejects with a sentence when the tool cannot be had.
 *
 *   node scripts/ops/tools/tools.mjs Helm4 Promtool      provides the named ones (all without names), and prints their paths as JSON
 */
import { fileURLToPath } from 'node:url';
import * as apt from './apt-tools.mjs';
import { provideEnvoy } from './envoy.mjs';
import { provideHelm3, provideHelm4, provideHelmTemplate, provideHelmUnittest } from './helm.mjs';
import { provideCrds, provideKubernetesSchemas } from './kubernetes-schemas.mjs';
import { provideEtcd, provideKubeApiserver, provideKubeconform } from './kubernetes.mjs';

export { goBuild } from './go-build.mjs';
export {
  installAptTools,
  provideAlertmanager,
  provideAmtool,
  provideHaproxy,
  provideNginx,
  providePrometheus,
  providePromtool,
} from './apt-tools.mjs';
export {
  provideCrds,
  provideEnvoy,
  provideEtcd,
  provideKubernetesSchemas,
  provideHelm3,
  provideHelm4,
  provideHelmTemplate,
  provideHelmUnittest,
  provideKubeApiserver,
  provideKubeconform,
};

const tools = {
  Nginx: apt.provideNginx,
  Haproxy: apt.provideHaproxy,
  Prometheus: apt.providePrometheus,
  Promtool: apt.providePromtool,
  Alertmanager: apt.provideAlertmanager,
  Amtool: apt.provideAmtool,
  Envoy: provideEnvoy,
  Helm4: provideHelm4,
  Helm3: provideHelm3,
  HelmUnittest: provideHelmUnittest,
  HelmTemplate: provideHelmTemplate,
  Kubeconform: provideKubeconform,
  KubeApiserver: provideKubeApiserver,
  Etcd: provideEtcd,
  KubernetesSchemas: provideKubernetesSchemas,
  Crds: provideCrds,
};

/** Provides the named tools one after another; returns their paths, and one sentence for each that could not be had. */
export async function provideTools(names = Object.keys(tools)) {
  const paths = {};
  const problems = [];
  problems.push(...(await apt.installAptTools(names.map((name) => name.toLowerCase()).filter(apt.isAptTool))));
  for (const name of names) {
    if (!tools[name]) problems.push(`${name}: there is no such tool; there are: ${Object.keys(tools).join(', ')}`);
    else
      await tools[name]().then(
        (path) => (paths[name] = path),
        (error) => problems.push(error.message),
      );
  }
  return { paths, problems: [...new Set(problems)] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { paths, problems } = await provideTools(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  for (const problem of problems) process.stderr.write(`provision: ${problem}\n`);
  process.stdout.write(`${JSON.stringify(paths)}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
