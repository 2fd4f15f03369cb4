import { expect, test } from 'vitest';
import { modulePath } from '../../../loadtest/k6/build.mjs';
import { runProgram } from './run-program.js';

/** Those packages of the k6 module that need nothing of k6, and so compile in seconds; the others: go-module.long.test.ts. */
const packages = ['./eventstream', './sequence', './follow'];

test('the parser, the sequence checks and the returns of the k6 module do what their own tests say', async () => {
  const { code, stdout, stderr } = await runProgram('go', ['-C', modulePath, 'test', ...packages], 110_000);
  expect(code, `${stdout}${stderr}`).toBe(0);
  for (const one of packages) expect(stdout).toContain(`ok  \tselvage/k6${one.slice(1)}`);
});
