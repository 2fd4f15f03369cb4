import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryPath } from '../../platform/run-folder.js';
import { runProgram } from './run-program.js';

/** k6's summary: a counter has `count`, a rate `value`, a trend its quantiles; `thresholds` says which were crossed (true). */
export type Metric = Readonly<Record<string, number>> & { readonly thresholds?: Readonly<Record<string, boolean>> };

export interface ScenarioResult {
  /** 0, or 99 when a threshold was crossed. */
  readonly code: number;
  readonly said: string;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** Thresholds that were crossed, as `metric: expression`. */
  readonly crossed: readonly string[];
}

const scenarioMs = 240_000;

/** `npm run loadtest -- <args>`, with the program as it is built. */
export async function runScenario(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<ScenarioResult> {
  const folder = mkdtempSync(join(tmpdir(), 'selvage-loadtest-'));
  const summary = join(folder, 'summary.json');
  try {
    const own = ['--program', join(repositoryPath, 'dist', 'main.js'), '--summary', summary];
    const line = [join(repositoryPath, 'loadtest', 'run.mjs'), args[0]!, ...own, ...args.slice(1)];
    const { code, stdout, stderr } = await runProgram(process.execPath, line, scenarioMs, env);
    const said = `${stdout}${stderr}`;
    if (code !== 0 && code !== 99) return { code, said, metrics: {}, crossed: [] };
    const { metrics } = JSON.parse(readFileSync(summary, 'utf8')) as { metrics: Record<string, Metric> };
    const crossed = Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
      Object.entries(thresholds)
        .filter(([, isCrossed]) => isCrossed)
        .map(([expression]) => `${name}: ${expression}`),
    );
    return { code, said, metrics, crossed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
