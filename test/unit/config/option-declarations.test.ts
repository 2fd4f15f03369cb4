import { expect, test } from 'vitest';
import { configSchema } from '../../../src/config/config-schema.js';
import { isDerived } from '../../../src/config/option.js';
import { optionEntries } from '../../../src/config/option-entries.js';
import { options } from '../../../src/config/options.js';
import { optionsTable } from '../../../src/config/options-table.js';

const entries = optionEntries(options);

test('every option has a name of its own in the environment, and a sentence', () => {
  const names = entries.flatMap(({ env, option }) => (option.isSecret ? [env, `${env}_FILE`] : [env]));
  expect(new Set(names).size).toBe(names.length);
  for (const { option } of entries) expect(option.sentence).toMatch(/^[A-Z].*\.$/);
});

test('defaults are values that the option itself accepts', () => {
  for (const { path, option } of entries) {
    const { defaultValue } = option;
    const value = isDerived(defaultValue) ? defaultValue.derive({ group: 'g', isEmbedded: true, isOpen: true, nodeId: 'n' }) : defaultValue;
    if (value !== null) expect([path, option.schema.safeParse(value).success]).toEqual([path, true]);
  }
});

test('numbers of the environment are read as the numbers they are', () => {
  const port = entries.find(({ path }) => path === 'port')?.option;
  for (const text of ['8080', '0']) expect(port?.schema.safeParse(port.fromText(text)).data).toBe(Number(text));
  for (const text of ['', ' 80', '8e3', '0x50', '80.5', '-1', '65536', 'NaN'])
    expect(port?.schema.safeParse(port.fromText(text)).success).toBe(false);
});

test('the table names every option once', () => {
  const table = optionsTable();
  for (const { path, env } of entries)
    expect(table.split('\n').filter((line) => line.startsWith(`| \`${path}\` | \`${env}\``))).toHaveLength(1);
  expect(table).toContain('| `window.ageSeconds` | `SELVAGE_WINDOW_AGE_SECONDS` | `300` | Everything younger is kept in the window. (s) |');
  expect(table).toContain('`SELVAGE_KAFKA_SASL_PASSWORD`, `SELVAGE_KAFKA_SASL_PASSWORD_FILE`');
});

test('the schema has every section and option', () => {
  const schema = configSchema() as { properties: Record<string, { properties?: Record<string, unknown> }> };
  expect(Object.keys(schema.properties)).toEqual([...Object.keys(options), 'routes', 'streams']);
  expect(schema.properties['window']?.properties?.['buckets']).toEqual({
    type: 'integer',
    minimum: 1,
    maximum: 256,
    default: 1,
    description: expect.stringContaining('Redis Cluster') as string,
  });
  expect(JSON.stringify(schema)).not.toContain('undefined');
});
