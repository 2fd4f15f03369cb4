import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FuzzTarget } from './fuzz-target.js';
import { findFault } from './judge-answers.js';
import { makeCase } from './make-case.js';
import { putIn } from './stand-ins.js';

/**
 * Requests made up by a grammar and broken by mutation, against two running nodes: one that is open to all, one that wants tokens. FUZZ_MINUTES (default 1), SEED (default
 * random, printed), FUZZ_CASE (one case of that seed alone, printed). Machines differ in how many cases they get to in a minute, never in what a case is.
 */
const minutes = Number(process.env['FUZZ_MINUTES'] ?? 1);
/** The short form is the same each time, so that what it finds is new in the program; the long form looks elsewhere. */
const seed = Number(process.env['SEED'] ?? (process.env['FUZZ_MINUTES'] === undefined ? 505_036 : Math.floor(Math.random() * 1_000_000)));
const onlyCase = process.env['FUZZ_CASE'];
const connectionsAtOnce = 12;
/** Between the cases of one connection: leaves the machine to others. */
const pauseMs = 12;
/** A case that keeps its connection is left alone after this. */
const quietMs = 250;
const answerMs = 5_000;
/** What a node may grow by after its first tenth: lists of free memory, not a leak. */
const growthMbMax = 60;

/** What some case must have got to within a minute, each by a dozen or more of them as a rule: a grammar that no longer fits the server tests nothing. */
const reached = {
  'open to all': ['events 200', 'publish 200', 'publish 422', 'renewal 401', 'project-open 200', 'project-stage-open 200', 'landing 200'],
  'with tokens': [
    ...[
      'events 200',
      'events 401',
      'events 400',
      'publish 200',

      'publish 422',
      'publish 401',
      'publish 403',
      'tickets 200',
      'tickets 400',
      'tickets 401',
    ],
    ...[
      'renewal 202',
      'renewal 401',
      'renewal 403',
      'session 204',
      'session 401',
      'user-channel 200',
      'user-channel 401',
      'broadcast 200',
      'project-stage 200',
      'project 200',
    ],
    ...['project-stage-open 200', 'project-open 200', 'task-progress 200', 'training 200', 'conversation 200'],
  ],
} as const;

let targets: readonly FuzzTarget[];
beforeAll(async () => {
  targets = await Promise.all([FuzzTarget.openToAll(), FuzzTarget.withTokens(minutes * 60 + 120)]);
});
afterAll(() => Promise.all((targets ?? []).map((target) => target.close())));

/** Sends a case on a connection of its own; the answers that came until it was cut, or nothing more came for a while. */
function send(port: number, segments: readonly Buffer[], mustAnswer: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let quiet: NodeJS.Timeout;
    const socket = net.connect(port, '127.0.0.1');
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

async function tryCase({ name, node, standIns }: FuzzTarget, caseNumber: number): Promise<void> {
  const { segments, isWellFormed } = makeCase(seed, caseNumber);
  const sent = Buffer.concat(segments).toString('latin1');
  const text = await send(
    node.port,
    segments.map((segment) => putIn(segment, standIns)),
    isWellFormed,
  );
  const fault = findFault(text) ?? (isWellFormed && text === '' && !sent.includes('wait=') ? 'no answer' : null);
  if (fault === null) return;
  throw new Error(`SEED=${seed} FUZZ_CASE=${caseNumber} at the node ${name}: ${fault}\nsent: ${JSON.stringify(sent.slice(0, 4_000))}`);
}

async function fireAt(target: FuzzTarget, endMs: number): Promise<void> {
  const { name } = target;
  const startedMs = Date.now();
  let next = 0;
  let settledMb = 0;
  const worker = async (): Promise<void> => {
    while (Date.now() < endMs) {
      const caseNumber = next++;
      await tryCase(target, caseNumber);
      if (caseNumber % 500 === 0) await target.expectServing();
      if (settledMb === 0 && Date.now() - startedMs > (endMs - startedMs) / 10) settledMb = target.residentMb;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  await Promise.all(Array.from({ length: connectionsAtOnce / 2 }, worker));
  await target.expectServing();
  const counts = await target.answered();
  const sizes = `resident ${settledMb.toFixed(0)} MB, at the end ${target.residentMb.toFixed(0)} MB`;
  console.log(`${name}: ${next} cases, answers by route and status: ${JSON.stringify(Object.fromEntries(counts))}; ${sizes}`);
  expect([...counts.keys()].filter((key) => key.endsWith(' 500'))).toEqual([]);
  expect(target.residentMb - settledMb).toBeLessThan(growthMbMax);
  if (minutes >= 1) expect(reached[name as keyof typeof reached].filter((key) => !counts.has(key))).toEqual([]);
  await expect.poll(() => target.openConnections(), { timeout: 20_000 }).toBe(target.readerCount);
}

test(
  'whatever is sent, the nodes answer well or cut, serve others, and stay as large as they were',
  { timeout: minutes * 60_000 + 90_000 },
  async () => {
    if (onlyCase !== undefined) {
      console.log(makeCase(seed, Number(onlyCase)).segments.map((segment) => segment.toString('latin1')));
      for (const target of targets) await tryCase(target, Number(onlyCase));
      return;
    }
    console.log(`fuzzing for ${minutes} min: SEED=${seed}`);
    const endMs = Date.now() + minutes * 60_000;
    await Promise.all(targets.map((target) => fireAt(target, endMs)));
  },
);
