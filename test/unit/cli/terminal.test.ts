import { expect, test } from 'vitest';
import { openTerminal } from '../../../src/cli/terminal.js';

async function write(isTTY: boolean, env: Record<string, string>, isColoured = true): Promise<string> {
  let written = '';
  const stream = { isTTY, write: (text: string) => ((written += text), true), once: () => undefined };
  const { out } = openTerminal(stream, stream, env, isColoured);
  await out.line(out.paint.red('x'));
  return written;
}

test('colours are for terminals that want them', async () => {
  expect(await write(true, {})).toBe('\u001b[31mx\u001b[39m\n');
  expect(await write(false, {})).toBe('x\n');
  expect(await write(true, { NO_COLOR: '1' })).toBe('x\n');
  expect(await write(true, { NO_COLOR: '' })).toBe('\u001b[31mx\u001b[39m\n');
  expect(await write(true, { TERM: 'dumb' })).toBe('x\n');
  expect(await write(true, {}, false)).toBe('x\n');
});

test('a line waits until the reader of a pipe has room', async () => {
  let drained: () => void = () => undefined;
  const stream = { write: () => false, once: (_: 'drain', listener: () => void) => (drained = listener) };
  const { out } = openTerminal(stream, stream, {}, true);
  let isWritten = false;
  const line = out.line('x').then(() => (isWritten = true));
  await Promise.resolve();
  expect(isWritten).toBe(false);
  drained();
  await line;
  expect(isWritten).toBe(true);
});
