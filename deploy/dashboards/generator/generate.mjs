/**
 * Writes the dashboards as JSON beside this folder: compiles the generator into `.cache/dashboards` (types checked) and runs it. `--check` writes nothing and
 * fails when a committed file is not what the generator gives. `npm run dashboards [-- --check]`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';

const generatorPath = dirname(fileURLToPath(import.meta.url));
const dashboardsPath = dirname(generatorPath);
const root = dirname(dirname(dashboardsPath));

// Not kept beside the generator: Grafana takes every .json file under the folder that it is given.
const outPath = join(root, '.cache', 'dashboards');
mkdirSync(outPath, { recursive: true });
const settings = {
  extends: '../../tsconfig.json',
  compilerOptions: { noEmit: false, rootDir: '../..', outDir: '.' },
  include: ['../../deploy/dashboards/generator'],
};
writeFileSync(join(outPath, 'tsconfig.json'), JSON.stringify(settings));
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', outPath], { cwd: root, stdio: ['ignore', 2, 2] });
if (compiled.status !== 0) process.exit(1);

const { allDashboards } = await import(pathToFileURL(join(outPath, 'deploy/dashboards/generator/all-dashboards.js')).href);
const isCheck = process.argv.includes('--check');
const stale = new Set(readdirSync(dashboardsPath).filter((name) => name.endsWith('.json')));
let differs = false;
for (const dashboard of allDashboards) {
  const name = `${dashboard.uid}.json`;
  const path = join(dashboardsPath, name);
  const text = await format(JSON.stringify(dashboard), { ...(await resolveConfig(path)), parser: 'json' });
  const isSame = stale.delete(name) && readFileSync(path, 'utf8') === text;
  differs ||= !isSame;
  if (!isSame && !isCheck) writeFileSync(path, text);
}
for (const name of stale) {
  differs = true;
  if (!isCheck) rmSync(join(dashboardsPath, name));
}
if (isCheck && differs) {
  process.stderr.write('The dashboards are not what their generator gives: run `npm run dashboards` and commit.\n');
  process.exitCode = 1;
}
