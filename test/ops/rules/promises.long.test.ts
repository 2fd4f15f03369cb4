import { expect, test } from 'vitest';
import { providePromtool } from '../../../scripts/ops/tools/tools.mjs';
import { runTool } from './run-tool.js';

test.each(['promises-bounds', 'budgets'])('%s: promises are told when they are broken, over hours and days', async (name) => {
  expect(await runTool(await providePromtool(), 'test', 'rules', `tests/${name}.test.yaml`)).toContain('SUCCESS');
});
