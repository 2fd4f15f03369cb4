import { expect, test } from 'vitest';
import { compileOrigins } from '../../../src/std/match-origin.js';

test('a star stands for whole labels of the host', () => {
  const isAllowed = compileOrigins(['https://app.example.com', 'https://*.tenant.example:8443']);
  for (const origin of ['https://app.example.com', 'https://a.tenant.example:8443', 'https://a.b.tenant.example:8443'])
    expect(isAllowed(origin), origin).toBe(true);
  for (const origin of [
    'https://tenant.example:8443',
    'https://a.tenant.example',
    'http://app.example.com',
    'https://x.app.example.com',
    'null',
  ])
    expect(isAllowed(origin), origin).toBe(false);
});

test('a list that says * for public answers names nobody whose cookies or tickets are taken', () => {
  const isAllowed = compileOrigins(['*']);
  for (const origin of ['null', 'x', '', '*', 'https://app.example.com']) expect(isAllowed(origin), origin).toBe(false);
});
