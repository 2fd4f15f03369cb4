/**
 * `node scripts/ops/keep-chart.mjs`: keeps the chart as it is now, packed, beside the tests that upgrade from it (`test/ops/helm/previous/<version>`). To be run
 * for each version that is given out; one that is kept already is left as it was.
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../install.mjs';
import { run } from '../run.mjs';
import { provideHelm4 } from './tools/tools.mjs';

const chartPath = join(root, 'helm', 'selvage');
const { version } = parse(readFileSync(join(chartPath, 'Chart.yaml'), 'utf8'));
const keptPath = join(root, 'test', 'ops', 'helm', 'previous', version);

if (existsSync(keptPath)) {
  process.stderr.write(`${version} is kept already: a version that was given out does not change\n`);
  process.exitCode = 1;
} else {
  mkdirSync(keptPath, { recursive: true });
  cpSync(join(chartPath, 'ci'), join(keptPath, 'ci'), { recursive: true });
  const { code, said } = await run(await provideHelm4(), ['package', chartPath, '--destination', keptPath]);
  process.stderr.write(`${said}\n`);
  process.exitCode = code;
}
