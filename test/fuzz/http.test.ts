import net from 'node:net';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SelvageNode } from '../platform/selvage-node.js';
import { SseReader } from '../platform/sse-reader.js';
import { findFault } from './judge-answers.js';
import { makeCase } from './make-case.js';

/**
 * Requests made up by a grammar and broken by mutation, against a running node. FUZZ_MINUTES (default 1), SEED (default random, printed), FUZZ_CASE (one case of that
 * seed alone, printed). Machines differ in how many cases they get to in a minute, never in what a case is.
 */
const minutes = Number(process.env['FUZZ_MINUTES'] ?? 1);
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000));
const onlyCase = process.env['FUZZ_CASE'];
const connectionsAtOnce = 12;
/** Between the cases of one connection: leaves the machine to others. */
const pauseMs = 12;
/** A case that keeps its connection is left alone after this. */
const quietMs = 250;
const answerMs = 5_000;
/** What a node may grow by after its first tenth: lists of free memory, not a leak. */
const growthMbMax = 60;

let node: SelvageNode;
let honest: SseReader;
beforeAll(async () => {
  node = await SelvageNode.start({ env: { HOST: '127.0.0.1', LOG_LEVEL: 'warn', SELVAGE_STREAM_KEEP_ALIVE_MS: '500' } });
  honest = await SseReader.open(node, 'channel=honest-reader');
});
afterAll(async () => {
  honest.close();
  await node.close();
});

const residentMb = (): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${node.pid ?? 0}/status`, 'utf8'))?.[1]) / 1_024;

/** Sends a case on a connection of its own; the answers that came until it was cut, or nothing more came for a while. */
function send(segments: readonly Buffer[], mustAnswer: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let quiet: NodeJS.Timeout;
    const socket = net.connect(node.port, '127.0.0.1');
    const finish = (): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve(text);
    };
    const wait = (ms: number): void => {
      clearTimeout(quiet);
      quiet = setTimeout(finish, ms);
    };
    socket.setNoDelay(true);
    socket.on('connect', () => {
      for (const segment of segments) socket.write(segment);
      wait(mustAnswer ? answerMs : quietMs);
    });
    socket.on('data', (chunk: Buffer) => {
      if (text.length < 1_000_000) text += chunk.toString('latin1');
      wait(/\r\n\r\n/.test(text) ? 20 : quietMs);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? reject(error) : finish()));
    socket.on('close', finish);
  });
}

async function tryCase(caseNumber: number): Promise<void> {
  const { segments, isWellFormed } = makeCase(seed, caseNumber);
  const sent = Buffer.concat(segments).toString('latin1');
  const text = await send(segments, isWellFormed);
  const fault = findFault(text) ?? (isWellFormed && text === '' && !sent.includes('wait=') ? 'no answer' : null);
  if (fault !== null) throw new Error(`SEED=${seed} FUZZ_CASE=${caseNumber}: ${fault}\nsent: ${JSON.stringify(sent.slice(0, 4_000))}`);
}

let probes = 0;
async function expectServing(): Promise<void> {
  const value = `probe ${probes++}`;
  const headers = { 'content-type': 'application/json' };
  const published = await fetch(`${node.url}/v1/publish`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ channel: 'honest-reader', data: value }),
  });
  expect(published.status).toBe(200);
  await honest.until(() => honest.datas.includes(value), value);
}

test(
  'whatever is sent, the node answers well or cuts, serves others, and stays as large as it was',
  { timeout: minutes * 60_000 + 60_000 },
  async () => {
    if (onlyCase !== undefined) {
      console.log(makeCase(seed, Number(onlyCase)).segments.map((segment) => segment.toString('latin1')));
      return tryCase(Number(onlyCase));
    }
    console.log(`fuzzing for ${minutes} min: SEED=${seed}`);
    const startedMs = Date.now();
    const endMs = startedMs + minutes * 60_000;
    let next = 0;
    let settledMb = 0;
    const worker = async (): Promise<void> => {
      while (Date.now() < endMs) {
        const caseNumber = next++;
        await tryCase(caseNumber);
        if (caseNumber % 500 === 0) await expectServing();
        if (settledMb === 0 && Date.now() - startedMs > (endMs - startedMs) / 10) settledMb = residentMb();
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    await Promise.all(Array.from({ length: connectionsAtOnce }, worker));
    await expectServing();
    const metrics = await (await fetch(`${node.adminUrl}/metrics`)).text();
    const answered = [...metrics.matchAll(/selvage_http_requests_total\{[^}]*status="(\d+)"\} (\d+)/g)];
    const counts: Record<string, number> = {};
    for (const [, status = '', count] of answered) counts[status] = (counts[status] ?? 0) + Number(count);
    console.log(
      `${next} cases, answers by status: ${JSON.stringify(counts)}; resident ${settledMb.toFixed(0)} MB, at the end ${residentMb().toFixed(0)} MB`,
    );
    expect(counts['500']).toBeUndefined();
    expect(residentMb() - settledMb).toBeLessThan(growthMbMax);
    await expect
      .poll(async () => /^selvage_connections (\d+)$/m.exec(await (await fetch(`${node.adminUrl}/metrics`)).text())?.[1], {
        timeout: 20_000,
      })
      .toBe('1');
  },
);
