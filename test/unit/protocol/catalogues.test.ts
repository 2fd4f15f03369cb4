import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { closeCatalogue } from '../../../src/protocol/close-catalogue.js';
import { errorCatalogue } from '../../../src/protocol/error-catalogue.js';
import { channelBytesMax, controlPrefix, gapReasons, typeBytesMax } from '../../../src/protocol/names.js';
import { positionBytesMax } from '../../../src/protocol/position.js';

const specification = readFileSync(new URL('../../../src/protocol/PROTOCOL.md', import.meta.url), 'utf8');

/** The rows of the table under this header, without backticks. */
function readTable(header: string): readonly (readonly string[])[] {
  const at = specification.indexOf(`| ${header} |\n`);
  if (at < 0) throw new Error(`PROTOCOL.md has no table ${header}`);
  const [, , ...lines] = specification.slice(at).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('the tables of the specification are those of the program', () => {
  test('gap reasons', () => {
    expect(readTable('reason | when').map(([reason]) => reason)).toEqual(gapReasons);
  });

  test('close codes', () => {
    const rows = readTable('code | reconnect | base of retryMs | when').map((row) => row.slice(0, 3));
    expect(rows).toEqual(Object.entries(closeCatalogue).map(([code, { reconnect, retryMs }]) => [code, reconnect, String(retryMs)]));
  });

  test('errors', () => {
    const rows = readTable('code | status | title');
    expect(rows).toEqual(Object.entries(errorCatalogue).map(([code, { status, title }]) => [code, String(status), title]));
  });

  test('every control event that it names is one, and its bounds are ours', () => {
    const named = new Set(specification.match(/selvage\.[a-z]+/g));
    expect([...named].sort()).toEqual(['selvage.close', 'selvage.gap', 'selvage.position', 'selvage.token'].sort());
    expect(controlPrefix).toBe('selvage.');
    expect(specification).toContain(`1 to ${channelBytesMax} bytes of well-formed UTF-8`);
    expect(specification).toContain(`A type is 1 to ${typeBytesMax} bytes`);
    expect(specification).toContain(`A position is at most ${positionBytesMax.toLocaleString('en')} bytes`);
  });
});
