import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { provideK6 } from '../../../loadtest/k6/build.mjs';
import { repositoryPath } from '../../platform/run-folder.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { FrameThief } from './frame-thief.js';
import type { Meddle } from './frame-thief.js';
import { runProgram } from './run-program.js';
import { runScenario } from './run-scenario.js';

const folder = join(repositoryPath, 'loadtest', 'k6', 'scenarios');
const scenarios = readdirSync(folder);

interface Inspected {
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
}

test('there are the seven scenarios, each with thresholds on latency, sequence and completeness', async () => {
  expect(scenarios.sort()).toEqual(
    ['smoke', 'steady', 'spike', 'reconnect-storm', 'soak', 'slow-reader', 'mixed'].map((name) => `${name}.js`).sort(),
  );
  const k6 = await provideK6();
  for (const file of scenarios) {
    const env = { ...process.env, K6_AUTO_EXTENSION_RESOLUTION: 'false' };
    const { code, stdout, stderr } = await runProgram(k6, ['inspect', '--execution-requirements', join(folder, file)], 60_000, env);
    expect(code, stderr).toBe(0);
    const { thresholds } = JSON.parse(stdout) as Inspected;
    for (const name of ['sse_lost', 'sse_duplicates', 'sse_gaps', 'sse_complete', 'sse_events'])
      expect(thresholds[name], `${file} ${name}`).toBeDefined();
    expect(
      Object.keys(thresholds).some((name) => name.startsWith('sse_event_latency{kind:live')),
      file,
    ).toBe(true);
  }
});

test('smoke passes against an embedded node, its streams dropped once each', async () => {
  const { code, said, metrics } = await runScenario(['smoke', '--seconds', '8']);
  expect(code, said).toBe(0);
  expect(metrics['sse_resumes']).toMatchObject({ count: 20 });
  expect(metrics['sse_events']!['count']).toBeGreaterThan(1_000);
});

test('smoke passes against two nodes behind nginx over HTTP/2, on Kafka and Redis', async () => {
  const { code, said, metrics } = await runScenario(['smoke', '--target', 'two', '--seconds', '8', '--env', 'HTTP_VERSION=2']);
  expect(code, said).toBe(0);
  expect(metrics['sse_resumes']).toMatchObject({ count: 20 });
});

test('a storm in which a node is killed loses nothing', async () => {
  const args = ['reconnect-storm', '--target', 'two', '--kill', '--streams', '60', '--seconds', '40', '--env', 'RAMP_SECONDS=3'];
  const { metrics, crossed, said } = await runScenario(args);
  // How fast it was is a matter of the machine; what it must be at any speed is not.
  expect(
    crossed.filter((one) => !/latency|duration/.test(one)),
    said,
  ).toEqual([]);
  expect(said).toContain('it is back');
  expect(metrics['sse_resumes']!['count']).toBeGreaterThanOrEqual(180);
});

const wrongs: readonly (readonly [string, Meddle, string])[] = [
  ['one event lost', (frame, index) => (index === 400 ? '' : frame), 'sse_lost: count==0'],
  ['one event sent twice', (frame, index) => (index === 400 ? frame + frame : frame), 'sse_duplicates: count==0'],
  [
    'one gap told',
    (frame, index) => (index === 400 ? `event: selvage.gap\ndata: {"reason":"expired"}\n${/id: .*\n/.exec(frame)![0]}\n${frame}` : frame),
    'sse_gaps: count==0',
  ],
];

test.each(wrongs)('%s in a thousand makes the run fail by its own threshold', async (_, meddle, threshold) => {
  await using node = await SelvageNode.start({ env: { LOG_LEVEL: 'error' } });
  await using thief = await FrameThief.start(node.url, meddle);
  const { code, crossed, said } = await runScenario(['smoke', '--target', thief.url, '--seconds', '8']);
  expect(code, said).toBe(99);
  expect(crossed).toContain(threshold);
});

test('the last event of a channel is missed too', async () => {
  await using node = await SelvageNode.start({ env: { LOG_LEVEL: 'error' } });
  const stolen = /"n":(39|[4-9]\d)\D/; // the last of each channel's 40 or so before `finish`
  await using thief = await FrameThief.start(node.url, (frame) => (stolen.test(frame) ? '' : frame));
  const { code, crossed } = await runScenario(['smoke', '--target', thief.url, '--seconds', '4', '--env', 'GRACE_SECONDS=5']);
  expect(code).toBe(99);
  expect(crossed).toContain('sse_lost: count==0');
});

test('what cannot be run is refused with a sentence', async () => {
  for (const [args, said] of [
    [['nothing'], 'nothing: there are'],
    [['smoke', '--target', 'three'], '--target: three is none of embedded, one, two, cluster'],
    [['smoke', '--kill'], '--kill needs --target two or cluster'],
    [['smoke', '--env', 'RATE'], '--env RATE: NAME=VALUE is needed'],
    [['smoke', '--rate', 'x'], 'RATE: x is not a number'],
    [['smoke', '--stream', '3'], "'--stream'"],
  ] as const) {
    const result = await runScenario(args);
    expect(result.code).not.toBe(0);
    expect(result.said).toContain(said);
  }
});
