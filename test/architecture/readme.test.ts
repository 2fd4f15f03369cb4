import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { optionsTable } from '../../src/config/options-table.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test('the table of options in the README is current (npm run docs)', () => {
  expect(readme).toContain(optionsTable());
});

test('every file and folder that the README names is there', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? '');
  expect(links.length).toBeGreaterThan(3);
  for (const path of links) expect(() => readFileSync(new URL(`../../${path}`, import.meta.url))).not.toThrow();
});
