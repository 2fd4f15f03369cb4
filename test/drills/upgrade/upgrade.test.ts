import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { gatherCrowd } from '../../chaos/crowd.js';
import { explain } from '../../chaos/explain.js';
import { isAtHead, Judge, Truth } from '../../chaos/judge.js';
import type { Verdict } from '../../chaos/judge.js';
import { SeededRandom } from '../../chaos/random.js';
import type { Reader } from '../../chaos/reader.js';
import { waitFor } from '../../platform/wait-for.js';
import type { Follower } from './follower.js';
import { gatherFollowers } from './gather-followers.js';
import { providePrevious } from './previous-build.js';
import { topics, UpgradeWorld } from './upgrade-world.js';
import type { Release } from './upgrade-world.js';

/** Set by `npm run drills -- upgrade`. */
const minutes = Number(process.env['UPGRADE_MINUTES'] ?? 0);
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000));
// Given by the environment, the servers may not be ours to kill, and this machine may have no means to start others.
const previous = process.env['KAFKA_BROKERS'] ? 'the broker is given' : await providePrevious(process.env['UPGRADE_PREVIOUS']);

const warmUpMs = 5_000;
const mixedMs = minutes > 0 ? 20_000 : 5_000;
const headMsMax = 60_000;
const explainedMax = 5;

const log = (line: string): void => void process.stdout.write(`${line}\n`);

/** Brings every place to the release, one after another; in between both are at work. */
async function rollAll(world: UpgradeWorld, release: Release): Promise<void> {
  log(`  every node becomes the ${release} one`);
  for (const slot of world.slots) {
    await world.roll(slot, release);
    await sleep(mixedMs);
  }
}

interface Judged {
  readonly reader: Reader | Follower;
  readonly verdict: Verdict;
}

/** What is wrong with a reader: a topic that is routed no longer need not be read to its end. */
function violationsOf({ reader, verdict }: Judged): Verdict['violations'] {
  return verdict.violations.filter(({ kind }) => kind !== 'not-at-head' || !reader.name.startsWith('removed'));
}

/**
 * A reader that asks for a channel more than its position knows of is told that it may have missed something of that one, and of nothing else: such a gap covers no event of the
 * channel that it is judged by.
 */
const isToldRightly = (name: string, reason: string): boolean => name.startsWith('unchanged beside') && reason === 'unknown-position';

function findProblems(judged: readonly Judged[], truth: Truth): string[] {
  const violations = judged.flatMap((one) =>
    violationsOf(one)
      .slice(0, 1)
      .map((violation) => ({ ...one, violation })),
  );
  const gaps = judged.flatMap(({ reader, verdict }) =>
    [...verdict.gaps].flatMap(([reason, count]) =>
      isToldRightly(reader.name, reason) ? [] : [`${reader.name}: ${count} gaps for ${reason}`],
    ),
  );
  const covered = judged.flatMap(({ reader, verdict }) =>
    verdict.coveredByGaps > 0 ? [`${reader.name}: ${verdict.coveredByGaps} events lost to gaps`] : [],
  );
  const told = violations.slice(0, explainedMax).map(({ reader, violation }) => explain(violation, reader, truth));
  return [...(violations.length > 0 ? [`${violations.length} readers with violations`] : []), ...told, ...gaps, ...covered];
}

function summarize(judged: readonly Judged[], recordCount: number): string {
  const delivered = judged.reduce((sum, { verdict }) => sum + verdict.delivered, 0);
  const resumes = judged.reduce((sum, { reader }) => sum + reader.resumeCount, 0);
  return `  ${judged.length} readers, ${recordCount} records, ${delivered} events delivered, ${resumes} returns with a position`;
}

test.skipIf(typeof previous === 'string')(
  `the previous build and this one side by side, routes changing in the roll-out: nothing is lost${typeof previous === 'string' ? ` (${previous})` : ''}`,
  { timeout: 300_000 + minutes * 60_000 },
  async () => {
    if (typeof previous === 'string') return;
    log(`upgrade from ${previous.name} with SEED=${seed}`);
    const random = new SeededRandom(seed);
    const world = await UpgradeWorld.start(previous, random.fork());
    const crowdOptions = { size: 40, sleepMs: [5_000, 15_000], pauseMs: [2_000, 8_000] } as const;
    const crowd = gatherCrowd(crowdOptions, random.fork(), { nodes: () => world.edges, onDelay: () => undefined });
    const followers = gatherFollowers(random.fork(), () => world.edges);
    const readers = [...crowd, ...followers];
    try {
      for (const reader of readers) reader.start();
      await sleep(warmUpMs);
      const untilMs = Date.now() + minutes * 60_000;
      await rollAll(world, 'new');
      do {
        await rollAll(world, 'old');
        await rollAll(world, 'new');
      } while (Date.now() < untilMs);
      const records = await world.finish();
      const truth = new Truth(topics, records);
      for (const reader of readers) reader.calm();
      const reachable = readers.filter(({ name }) => !name.startsWith('removed'));
      await waitFor(() => reachable.every(({ asked, lastId }) => isAtHead(truth, asked, lastId)), {
        timeoutMs: headMsMax,
        everyMs: 250,
        what: 'every reader at the head',
      }).catch(() => undefined); // the judge names those that are not
      await Promise.all(readers.map((reader) => reader.stop()));
      const judged = readers.map((reader) => ({ reader, verdict: new Judge(truth, reader).judge() }));
      log(summarize(judged, records.length));
      const problems = findProblems(judged, truth);
      for (const { name, unroutableCount } of followers.filter((one) => one.isRefusedAtTimes)) {
        if (unroutableCount === 0) problems.push(`${name} was never told that its channel has no route`);
      }
      const unwritten = world.unwritten(records);
      if (unwritten.length > 0) problems.push(`acknowledged, yet not in Kafka: ${unwritten.slice(0, 5).join(', ')}`);
      if (problems.length > 0) problems.push(`replay with SEED=${seed}`, world.logTails(30));
      expect(problems.join('\n\n')).toBe('');
    } finally {
      await Promise.all(readers.map((reader) => reader.stop()));
      await world.close();
    }
  },
);
