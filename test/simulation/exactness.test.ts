import { expect, test } from 'vitest';
import { runSeeds } from './run-seeds.js';
import { calmWeather } from './sim-world.js';

const seeds = Number(process.env['SIM_SEEDS'] ?? 3_000);
const first = Number(process.env['SIM_FIRST_SEED'] ?? 1);

test(`nothing is lost, repeated or out of order, and every reader gets to live (${seeds} seeds)`, { timeout: 600_000 }, async () => {
  const failure = await runSeeds(first, seeds);
  expect(failure, failure?.story).toBeNull();
});

test('where topics only grow nobody finds a stray, however late producers learn of it', { timeout: 600_000 }, async () => {
  const failure = await runSeeds(first, Math.ceil(seeds / 3), calmWeather);
  expect(failure, failure?.story).toBeNull();
});
