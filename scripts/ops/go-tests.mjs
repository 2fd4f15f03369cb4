/** Tests whose tools are built by Go. Where there is none they are left out, and told by name. */
import { hasCommand } from '../apt.mjs';

const needGo = [
  'test/ops/chart/packed-chart.test.ts',
  'test/ops/chart/rendered-config.test.ts',
  'test/ops/chart/rendered-release.test.ts',
  'test/ops/deploy/compose-cluster.test.ts',
  'test/ops/deploy/compose-file.test.ts',
  'test/ops/helm/chart.test.ts',
  'test/ops/k6/go-module.test.ts',
];

/** The files that cannot run on this machine. */
export const withoutGo = () => (hasCommand('go') ? [] : needGo);
