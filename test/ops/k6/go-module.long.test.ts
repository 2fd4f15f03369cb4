import { expect, test } from 'vitest';
import { modulePath } from '../../../loadtest/k6/build.mjs';
import { runProgram } from './run-program.js';

const minutes = 60_000;

test('the whole k6 module passes go vet and its own tests, in k6’s own event loop', async () => {
  for (const command of ['vet', 'test']) {
    const { code, stdout, stderr } = await runProgram('go', ['-C', modulePath, command, './...'], 9 * minutes);
    expect(code, `${stdout}${stderr}`).toBe(0);
  }
});

test('its sources are in the form of gofmt', async () => {
  const { stdout } = await runProgram('gofmt', ['-l', modulePath]);
  expect(stdout).toBe('');
});
