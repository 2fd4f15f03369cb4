import { join } from 'node:path';
import { expect, test } from 'vitest';
import { provideK6 } from '../../../loadtest/k6/build.mjs';
import { repositoryPath } from '../../platform/run-folder.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { runProgram } from './run-program.js';

const runners = 2;

test('several runners share a test, as the operator’s do: one publishes, the readers of each are complete', async () => {
  const k6 = await provideK6();
  await using node = await SelvageNode.start({ env: { LOG_LEVEL: 'error' } });
  const script = join(repositoryPath, 'loadtest', 'k6', 'scenarios', 'steady.js');
  const settings = {
    BASE_URL: node.url,
    RUN: 'shared',
    STREAMS: '40',
    STREAMS_PER_VU: '5',
    CHANNELS: '7',
    RATE: '40',
    SECONDS: '8',
    RAMP_SECONDS: '2',
  };
  const env = { ...process.env, ...settings, K6_AUTO_EXTENSION_RESOLUTION: 'false', LATENCY_P99_MS: '60000' };
  const results = await Promise.all(
    Array.from({ length: runners }, (_, i) => {
      const segment = ['--execution-segment', `${i}/${runners}:${i + 1}/${runners}`, '--execution-segment-sequence', '0,1/2,1'];
      return runProgram(k6, ['run', '--quiet', '--no-usage-report', '--summary-mode', 'full', ...segment, script], 120_000, env);
    }),
  );
  const said = results.map(({ stdout, stderr }) => stdout + stderr);
  const numberOf = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  // All 40 streams, none of them twice, on channels of one producer.
  expect(
    said.map((text) => numberOf(text, /sse_complete\.+: 100\.00% (\d+) out of/)),
    said.join('\n'),
  ).toEqual([20, 20]);
  for (const text of said) {
    expect(text).toMatch(/sse_lost\.+: 0 /);
    expect(text).toMatch(/sse_duplicates\.+: 0 /);
  }
  expect(said.filter((text) => numberOf(text, /publish_events\.+: (\d+)/) > 0)).toHaveLength(1);
});
