import { goBuild, wrapperModulePath } from './go-build.mjs';
import { schemaModules } from './kubernetes-schemas.mjs';

const noC = { CGO_ENABLED: '0' };

/** The path of kube-apiserver; 4 minutes of two cores where nothing of it was ever built. */
export function provideKubeApiserver() {
  const { version } = schemaModules()['k8s.io/kubernetes'];
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version);
  // Without its own build scripts it would not know which version it is, and charts ask.
  const said = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return goBuild({
    name: 'kube-apiserver',
    modulePath: wrapperModulePath('kubernetes'),
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    ldflags: Object.entries(said).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`),
    env: noC,
  });
}

/** The path of etcd. */
export function provideEtcd() {
  return goBuild({ name: 'etcd', modulePath: wrapperModulePath('etcd'), package: 'go.etcd.io/etcd/server/v3', env: noC });
}

/** The path of kubeconform; its schemas are those of `provideKubernetesSchemas`. */
export function provideKubeconform() {
  const target = 'github.com/yannh/kubeconform/cmd/kubeconform';
  return goBuild({ name: 'kubeconform', modulePath: wrapperModulePath('kubeconform'), package: target, env: noC });
}
