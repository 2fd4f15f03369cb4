import { expect, test } from 'vitest';
import { writeConfigFile } from '../../platform/node-fixture.js';
import { runCli } from './run-cli.js';

const commands = ['serve', 'check-config', 'tail', 'publish', 'position', 'token', 'lag', 'doctor', 'topics'];

test('--help names every command, and --version the version', async () => {
  const { code, out, err } = await runCli(['--help']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
  expect(await runCli(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
});

test.each(commands)('%s --help has examples and exit codes', async (command) => {
  const { code, out, err } = await runCli([command, '--help']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('Examples:');
  expect(out).toContain('Exit codes:');
});

test('an unknown command and an unknown option are refused by name', async () => {
  expect(await runCli(['tial', 'x'])).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/unknown command 'tial'[^]*Did you mean tail/) as string,
  });
  expect(await runCli(['tail', 'x', '--sicne', '5m'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/unknown option '--sicne'[^]*--since/) as string,
  });
  expect(await runCli(['serve', 'what'])).toMatchObject({ code: 2 });
  expect(await runCli(['doctor', '--only', 'process,kafak'])).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/'process,kafak'[^]*certificates/) as string,
  });
});

test('doctor looks at the areas that are named', async () => {
  const { out } = await runCli(['doctor', '--json', '--only', 'process,certificates', '--only', 'identity'], {
    SELVAGE_JWT_SECRET: 'a secret of more than thirty-two bytes',
  });
  const { findings } = JSON.parse(out) as { readonly findings: readonly { readonly area: string }[] };
  expect([...new Set(findings.map(({ area }) => area))].sort()).toEqual(expect.arrayContaining(['identity', 'process']));
  expect(findings.map(({ area }) => area)).not.toContain('kafka');
});

test('check-config tells every problem at once, with its path', async () => {
  const file = writeConfigFile({ windwo: { ageSeconds: 5 }, routes: [{ topic: 't', channels: ['{key'], keyd: true }], port: 'many' });
  const { code, out, err } = await runCli(['check-config', file], { SELVAGE_GRUOP: 'x' });
  expect({ code, out }).toEqual({ code: 2, out: '' });
  for (const path of ['windwo', 'port', 'SELVAGE_GRUOP', 'routes[0].keyd', 'routes[0].channels[0]']) expect(err).toContain(`${path}: `);
  expect(err).toContain('did you mean window?');
  const asJson = await runCli(['check-config', '--json', file], { SELVAGE_GRUOP: 'x' });
  const told = JSON.parse(asJson.out) as { ok: boolean; problems: { path: string; message: string }[] };
  expect({ code: asJson.code, ok: told.ok }).toEqual({ code: 2, ok: false });
  expect(told.problems.map(({ path }) => path)).toEqual(expect.arrayContaining(['windwo', 'port', 'SELVAGE_GRUOP']));
});

test('check-config says of a good one what it is, shows no secret, and takes the variables of other commands for none of its own', async () => {
  const secret = 'a secret of more than thirty-two bytes';
  const env = { SELVAGE_JWT_SECRET: secret, SELVAGE_URL: 'http://x', SELVAGE_TOKEN: 'y', SELVAGE_TOKEN_FILE: '/z' };
  expect(await runCli(['check-config'], env)).toMatchObject({ code: 0, out: expect.stringContaining('can be used') as string });
  const { code, out } = await runCli(['check-config', '--show'], env);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ isEmbedded: true, auth: { jwtSecret: '(secret)' } });
  expect(out).not.toContain(secret);
});

test('position says what a position says, and names topics by their routes', async () => {
  const id = '1abcd.0t7q2-c-9-9f1~e';
  const words = await runCli(['position', id]);
  expect(words).toMatchObject({ code: 0, err: '' });
  expect(words.out).toContain('partition 9: offset 12204 was had; next is 12205');
  const asJson = await runCli(['position', '--json', id]);
  expect(JSON.parse(asJson.out)).toMatchObject({
    ok: true,
    cluster: 'abcd',
    ended: true,
    topics: [{ tag: '0t7q2', partitionCount: 12, partitions: [{ partition: 9, had: 12_204, next: 12_205 }] }],
  });
  const named = await runCli([
    'position',
    '1ne7i.9olqb-4-0-2',
    '--json',
    '--config',
    writeConfigFile({ routes: [{ topic: 'selvage.events', channels: 'x.{key}' }] }),
  ]);
  expect(JSON.parse(named.out)).toMatchObject({
    topics: [{ topic: 'selvage.events', fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string }],
  });
  expect(await runCli(['position', '1abcd.0t7q2-c_m05y39c0'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('by record time') as string,
  });
});

test.each(['1abcd.0t7q2-c-9', '\u001b[2J'])('position refuses what is none: %j', async (id) => {
  const { code, out, err } = await runCli(['position', id]);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('this is not a position');
  expect(err).not.toContain('\u001b');
});

test('commands that need Kafka say so where none is configured', async () => {
  for (const command of ['lag', 'topics']) {
    expect(await runCli([command])).toMatchObject({ code: 2, err: expect.stringContaining('no Kafka is configured') as string });
  }
});
