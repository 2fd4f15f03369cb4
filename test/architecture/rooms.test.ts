import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { repositoryPath } from '../platform/run-folder.js';

/** The rules of the rooms are only worth something if they bite; each case is a small tree with one breach of them. */
const breaches: readonly { readonly what: string; readonly rule: string; readonly files: Readonly<Record<string, string>> }[] = [
  {
    what: 'a type import against the direction of the rooms',
    rule: 'room-std',
    files: { 'src/std/a.ts': `import type { B } from '../hub/b.js';\nexport type A = B;\n`, 'src/hub/b.ts': `export type B = 1;\n` },
  },
  {
    what: 'a room that reaches past a port to its implementation',
    rule: 'room-window',
    files: {
      'src/window/a.ts': `import { b } from '../log/kafka/b.js';\nexport const a = b;\n`,
      'src/log/kafka/b.ts': `export const b = 1;\n`,
    },
  },
  {
    what: 'a cycle inside a room',
    rule: 'no-circular',
    files: {
      'src/hub/a.ts': `import type { B } from './b.js';\nexport type A = B[];\n`,
      'src/hub/b.ts': `import type { A } from './a.js';\nexport type B = A[];\n`,
    },
  },
  {
    what: 'a room that is not in the table',
    rule: 'known-rooms',
    files: { 'src/attic/a.ts': `import { b } from '../std/b.js';\nexport const a = b;\n`, 'src/std/b.ts': `export const b = 1;\n` },
  },
];

test.for(breaches)('$what is found', ({ rule, files }) => {
  const output = cruise(files);
  expect(output).toContain(`error ${rule}:`);
});

test('imports along the table are let through', () => {
  const files = {
    'src/window/a.ts': `import type { B } from '../log/event-log.js';\nexport type A = B;\n`,
    'src/log/event-log.ts': `export type B = 1;\n`,
    'src/compose.ts': `import { c } from './log/kafka/c.js';\nimport type { A } from './window/a.js';\nexport const d: A = c;\n`,
    'src/log/kafka/c.ts': `export const c = 1;\n`,
  };
  expect(cruise(files)).toContain('no dependency violations found');
});

function cruise(files: Readonly<Record<string, string>>): string {
  mkdirSync(join(repositoryPath, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(repositoryPath, '.cache', 'rooms-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const name of ['.dependency-cruiser.js', 'tsconfig.json', 'node_modules'])
    symlinkSync(join(repositoryPath, name), join(folder, name));
  const script = join(repositoryPath, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [script, '--output-type', 'err', 'src'], { cwd: folder, encoding: 'utf8' });
  return stdout + stderr;
}
