import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HistogramLogReader } from 'hdr-histogram-js';
import type { Histogram } from 'hdr-histogram-js';
import { provideGenerator } from '../../../loadtest/generator/build.mjs';
import { runProgram } from './run-program.js';
import { ScriptedStreams, firstFrame, leanEvent } from './scripted-streams.js';

interface Result {
  readonly streams: number;
  readonly open: number;
  readonly opened: number;
  readonly events: number;
  readonly lost: number;
  readonly told: number;
  readonly repeated: number;
  readonly gaps: number;
  readonly resumes: number;
  readonly dropped: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selvage-lean-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function generate(port: number, flags: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await runProgram(await provideGenerator(), ['-w', '0', ...flags, `127.0.0.1:${port}`]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Result;
}

/** Sends the texts, one every few milliseconds, once the generator counts. */
function sendSlowly(send: (text: string) => void, texts: readonly (() => string)[]): void {
  let at = 0;
  const timer = setInterval(() => {
    const text = texts[at++];
    if (text === undefined) clearInterval(timer);
    else send(text());
  }, 5);
}

test('what is lost, what comes twice and what a gap tells is counted', async () => {
  await using server = await ScriptedStreams.start(({ send }) => {
    send(firstFrame);
    const gap = 'event: selvage.gap\ndata: {"reason":"expired"}\nid: p8\n\n';
    const numbers = [0, 1, 3, 3, 4].map((n) => () => leanEvent(n));
    setTimeout(() => sendSlowly(send, [...numbers, () => gap, () => leanEvent(8)]), 500);
  });
  const result = await generate(server.port, ['-c', '2', '-d', '5', '-u', '/v1/events?channel=c%d']);
  expect(result).toMatchObject({ streams: 2, open: 2, events: 12, repeated: 2, gaps: 2, lost: 2 * 4, told: 2 * 3 });
  expect(server.asked.map(({ url }) => url).sort()).toEqual(['/v1/events?channel=c0', '/v1/events?channel=c1']);
});

test('a stream that ends comes back with its id, after the time that it was told', async () => {
  const cutAtMs: number[] = [];
  const backAfterMs: number[] = [];
  await using server = await ScriptedStreams.start(({ send, end }, index) => {
    const cut = cutAtMs.at(-1);
    if (cut !== undefined) backAfterMs.push(performance.now() - cut);
    send(firstFrame.replace('retry: 50', 'retry: 150'));
    if (index > 2) return;
    setTimeout(() => {
      send(leanEvent(index));
      end();
      cutAtMs.push(performance.now());
    }, 50);
  });
  const result = await generate(server.port, ['-c', '1', '-d', '8', '-e']);
  expect(server.asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'p0', 'p1', 'p2']);
  expect(result).toMatchObject({ open: 1, lost: 0, repeated: 0, resumes: 3 });
  for (const ms of backAfterMs) expect(ms).toBeGreaterThan(140);
});

test('streams may be dropped every so often, and come back', async () => {
  await using server = await ScriptedStreams.start(({ send }) => send(firstFrame));
  const result = await generate(server.port, ['-c', '20', '-d', '10', '-D', '1']);
  expect(result.dropped).toBeGreaterThan(20);
  expect(server.asked.filter(({ headers }) => headers['last-event-id'] === 'p0').length).toBeGreaterThanOrEqual(result.resumes);
  expect(result.resumes).toBeGreaterThan(20);
});

test('more streams than this process may have files are refused by name', async () => {
  const { code, stderr } = await runProgram(await provideGenerator(), ['-c', '1100000000', '127.0.0.1:9']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/1100000000 streams need 1100000100 open files, and the limit is \d+/);
});

test('tokens are sent in turn', async () => {
  writeFileSync(join(folder, 'tokens'), 'one\ntwo\n');
  await using server = await ScriptedStreams.start(({ send }) => send(firstFrame));
  await generate(server.port, ['-c', '4', '-d', '1', '-t', join(folder, 'tokens')]);
  const sent = server.asked.map(({ headers }) => headers.authorization).sort();
  expect(sent).toEqual(['Bearer one', 'Bearer one', 'Bearer two', 'Bearer two']);
});

test('its histograms are those of HdrHistogram: read by hdr-histogram-js they say what it said', async () => {
  const agoMs = [0.3, 1, 2, 2, 3, 5, 8, 13, 40, 90, 250, 700, 2_100, 9_000, 61_000];
  await using server = await ScriptedStreams.start(({ send }) => {
    send(firstFrame);
    setTimeout(
      () =>
        sendSlowly(
          send,
          Array.from({ length: 300 }, (_, n) => () => leanEvent(n, agoMs[n % agoMs.length])),
        ),
      200,
    );
  });
  const [textPath, logPath] = [join(folder, 'latency.hgrm'), join(folder, 'latency.hlog')];
  const result = await generate(server.port, ['-c', '3', '-d', '6', '-H', textPath, '-L', logPath]);
  expect(result.events).toBe(900);

  const intervals = readLog(logPath);
  expect(intervals.length).toBeGreaterThan(2);
  const [sum, ...others] = intervals;
  for (const one of others) sum!.add(one);
  expect(sum!.totalCount).toBe(900);
  expect(sum!.maxValue / result.max).toBeCloseTo(1, 2);
  expect(sum!.getValueAtPercentile(50) / result.p50).toBeCloseTo(1, 2);
  expect(sum!.getValueAtPercentile(99) / result.p99).toBeCloseTo(1, 2);
  expect(sum!.maxValue).toBeGreaterThanOrEqual(61_000_000);

  // The text is that of the library, but for the mean, which ours takes of the middles of steps.
  const rows = (text: string) => text.split('\n').filter((line) => /^ *\d/.test(line));
  const theirs = rows(sum!.outputPercentileDistribution(5, 1_000)).map((line) => line.trim().split(/ +/).map(Number));
  const ours = rows(readFileSync(textPath, 'utf8')).map((line) => line.trim().split(/ +/).map(Number));
  expect(ours.length).toBeGreaterThan(20);
  for (const [value, percentile, count] of ours) {
    const same = theirs.find((row) => row[1] === percentile);
    if (same === undefined) continue;
    expect(value! / same[0]!).toBeCloseTo(1, 2);
    expect(count).toBe(same[2]);
  }
  expect(ours.filter(([, percentile]) => theirs.some((row) => row[1] === percentile)).length).toBeGreaterThan(20);
});

function readLog(path: string): Histogram[] {
  const reader = new HistogramLogReader(readFileSync(path, 'utf8'));
  const all: Histogram[] = [];
  for (let one = reader.nextIntervalHistogram(); one !== null; one = reader.nextIntervalHistogram()) all.push(one);
  return all;
}
