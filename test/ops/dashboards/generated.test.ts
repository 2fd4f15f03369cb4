import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { allDashboards } from '../../../deploy/dashboards/generator/all-dashboards.js';
import { dashboardsPath, readDashboards } from './committed-dashboards.js';

test('the committed JSON is what the generator gives (npm run dashboards)', async () => {
  const config = await resolveConfig(`${dashboardsPath}/a.json`);
  const generated = allDashboards.map(async (dashboard) => [
    `${dashboard.uid}.json`,
    await format(JSON.stringify(dashboard), { ...config, parser: 'json' }),
  ]);
  const committed = readDashboards().map(({ file, text }) => [file, text]);
  expect(Object.fromEntries(committed)).toEqual(Object.fromEntries(await Promise.all(generated)));
});
