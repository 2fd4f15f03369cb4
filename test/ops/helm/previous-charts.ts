import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Kept by `node scripts/ops/keep-chart.mjs`: a folder a version, with the package and the values files that it was tried with. */
const keptPath = join(import.meta.dirname, 'previous');

export interface PreviousChart {
  readonly version: string;
  readonly packagePath: string;
  /** The names of its values files. */
  readonly values: readonly string[];
  valuesPath(name: string): string;
}

/** The charts that were given out before this one. */
export function previousCharts(): readonly PreviousChart[] {
  if (!existsSync(keptPath)) return [];
  return readdirSync(keptPath).map((version) => {
    const folder = join(keptPath, version);
    return {
      version,
      packagePath: join(folder, `selvage-${version}.tgz`),
      values: readdirSync(join(folder, 'ci')).sort(),
      valuesPath: (name) => join(folder, 'ci', name),
    };
  });
}
