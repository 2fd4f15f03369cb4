import { expect, test } from 'vitest';
import { sharedKafka } from '../platform/shared-services.js';
import { longFaults, shortFaults } from './faults.js';
import type { Fault } from './faults.js';
import { SeededRandom } from './random.js';
import { deleteAndMakeAgain } from './reborn.js';
import { findProblems, writeSummary } from './report.js';
import { Storm } from './storm.js';
import type { StormOptions } from './storm.js';

/** Set by `npm run chaos`. */
const minutes = Number(process.env['CHAOS_MINUTES'] ?? 0);
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000));
const only = process.env['CHAOS_FAULTS'];

const log = (line: string): void => void process.stdout.write(`${line}\n`);
const chosen = (faults: readonly Fault[]): readonly Fault[] =>
  only === undefined ? faults : faults.filter(({ name }) => only.split(',').some((part) => name.includes(part)));

/** Faults one after another in the order of the seed, again and again until the time is over (once when there is none). */
async function weather(options: StormOptions, faults: readonly Fault[], untilMs: number | null): Promise<void> {
  log(`chaos with SEED=${options.seed}: ${options.world.brokers} broker(s), rebalance delay ${options.world.rebalanceDelayMs} ms`);
  const storm = await Storm.start(options);
  try {
    const random = new SeededRandom(options.seed);
    const times = new Map<Fault, number>();
    do {
      for (const fault of random.shuffled(faults)) {
        const before = times.get(fault) ?? 0;
        if (before >= (fault.timesMax ?? Infinity) || (fault.brokers ?? 0) > options.world.brokers) continue;
        times.set(fault, before + 1);
        await storm.suffer(fault);
        if (untilMs !== null && Date.now() > untilMs) break;
      }
    } while (untilMs !== null && Date.now() < untilMs);
    const outcome = await storm.conclude();
    log(writeSummary(storm, outcome));
    const problems = findProblems(storm, outcome);
    if (only === undefined || 'topic made again'.includes(only)) {
      log('  topic deleted and made again ...');
      problems.push(...(await deleteAndMakeAgain(storm.world, random)));
    }
    if (problems.length > 0) problems.push(`replay with SEED=${options.seed}`, storm.world.logTails(40));
    expect(problems.join('\n\n')).toBe('');
  } finally {
    await storm.close();
  }
}

const shortForm: StormOptions = {
  world: { brokers: 1, rebalanceDelayMs: 0, edges: 2 },
  crowd: { size: 100, sleepMs: [5_000, 20_000], pauseMs: [2_000, 12_000] },
  seed,
  draftsEveryTick: 6,
  log,
};

test.skipIf(sharedKafka().isProvided || minutes > 0)(
  'every reader has every event once and in order through kills, stalls, growth and restarts',
  { timeout: 240_000 },
  () => weather(shortForm, chosen(shortFaults), null),
);

const longForm: StormOptions = {
  ...shortForm,
  crowd: { size: 300, sleepMs: [35_000, 70_000], pauseMs: [2_000, 25_000] },
  draftsEveryTick: 8,
};

test.skipIf(minutes === 0)('one broker, for minutes', { timeout: minutes * 60_000 + 300_000 }, () =>
  weather(longForm, chosen(longFaults), Date.now() + minutes * 30_000),
);

test.skipIf(minutes === 0)('three brokers and slow rebalances, for minutes', { timeout: minutes * 60_000 + 300_000 }, () =>
  weather({ ...longForm, world: { brokers: 3, rebalanceDelayMs: 3_000, edges: 2 } }, chosen(longFaults), Date.now() + minutes * 30_000),
);
