import { join } from 'node:path';
import { goBuild, wrapperModulePath } from './go-build.mjs';

/** The path of Helm 4; 3 minutes of two cores where nothing of it was ever built. */
export function provideHelm4() {
  return goBuild({ name: 'helm-4', modulePath: wrapperModulePath('helm-4'), package: 'helm.sh/helm/v4/cmd/helm', env: noC });
}

/** The path of Helm 3. */
export function provideHelm3() {
  return goBuild({ name: 'helm-3', modulePath: wrapperModulePath('helm-3'), package: 'helm.sh/helm/v3/cmd/helm', env: noC });
}

/** The path of helm-unittest, which needs no Helm beside it: `helm-unittest --strict <chart>`. */
export function provideHelmUnittest() {
  const target = 'github.com/helm-unittest/helm-unittest/cmd/helm-unittest';
  const modulePath = wrapperModulePath('helm-unittest');
  const sourcePaths = [join(modulePath, 'go.mod'), join(modulePath, 'go.sum')];
  return goBuild({ name: 'helm-unittest', modulePath, package: target, sourcePaths, env: noC });
}

/**
 * The path of a program that does what `helm template` does, by Helm's own engine (`go/helm-unittest/template`): where Helm is not built yet it costs seconds
 * instead of minutes.
 */
export function provideHelmTemplate() {
  return goBuild({ name: 'helm-template', modulePath: wrapperModulePath('helm-unittest'), package: './template', env: noC });
}

const noC = { CGO_ENABLED: '0' };
