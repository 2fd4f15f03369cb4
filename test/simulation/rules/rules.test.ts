import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { experiments, type Experiment } from './experiments.js';
import { SourceTree } from './mutated-tree.js';
import { probes } from './probes.js';

/** Every rule of the resume protocol is taken out of the source once, and something must notice. */
const rulesCount = 28;
const seedsMax = 1_500;
const tree = new SourceTree(`mutated-${process.pid}`);
afterAll(() => tree.remove());
const run = promisify(execFile);

async function observe(experiment: Experiment | null, noticedBy: Experiment['noticedBy']): Promise<string> {
  const folder = tree.write(experiment);
  const args = noticedBy === 'seeds' || noticedBy === 'calmSeeds' ? [noticedBy, '1', String(seedsMax)] : [noticedBy];
  const { stdout } = await run(process.execPath, [join(folder, 'test/simulation/rules/run-experiment.js'), ...args], { timeout: 590_000 });
  return stdout;
}

test('every rule has an experiment', () => {
  expect([...new Set(experiments.map(({ rule }) => rule))].sort((a, b) => a - b)).toEqual(
    Array.from({ length: rulesCount }, (_, i) => i + 1),
  );
});

for (const name of Object.keys(probes) as (keyof typeof probes)[]) {
  test(`the probe ${name} holds as the source is`, { timeout: 600_000 }, async () => {
    expect(await observe(null, name)).toBe('held');
  });
}

for (const experiment of experiments) {
  test(`rule ${experiment.rule}: without ${experiment.without}, something is noticed`, { timeout: 600_000 }, async () => {
    expect(await observe(experiment, experiment.noticedBy)).toMatch(/^failed: /);
  });
}
