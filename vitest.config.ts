import { defineConfig } from 'vitest/config';
import { withoutGo } from './scripts/ops/go-tests.mjs';
import { LongestFirst } from './test/platform/longest-first.js';

/** Tests that meet real servers: they share one Kafka and one Redis. */
const realServers = { globalSetup: ['test/platform/start-shared-services.ts'], hookTimeout: 60_000 };

/** What operators have is tried whole by `npm run check:ops`; what takes minutes is left out of `npm test`. */
const isOpsLong = process.env['SELVAGE_OPS_LONG'] !== undefined;

/** Projects that wait for servers more than they compute run together, three files at a time, so that no file is alone at the end of each. */
const together = { maxWorkers: 3, sequence: { groupOrder: 2 } };

/**
 * Projects run one group after another (`groupOrder`), the cheap ones first; within a group at most two files at a time, which is what a machine with two cores
 * and a broker on it can take, or three of those that wait.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,architecture}/**/*.test.ts'],
          testTimeout: 10_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          // A guard only: it looks at no clock, and a whole run gives it what others leave.
          testTimeout: 600_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          ...together,
          ...realServers,
        },
      },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 60_000,
          ...together,
          ...realServers,
        },
      },
      {
        test: {
          name: 'client',
          include: ['test/client/**/*.test.{ts,tsx}'],
          testTimeout: 60_000,
          ...together,
          ...realServers,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          testTimeout: 120_000,
          // What they do to the machine and to time would disturb a neighbour.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          ...realServers,
        },
      },
      {
        test: {
          name: 'ops',
          include: ['test/ops/**/*.test.ts'],
          exclude: [...withoutGo(), ...(isOpsLong ? [] : ['test/ops/**/*.long.test.ts'])],
          testTimeout: isOpsLong ? 600_000 : 120_000,
          maxWorkers: 3,
          // Last: what is built for it meanwhile takes as long as the others.
          sequence: { groupOrder: 4 },
          ...realServers,
          hookTimeout: isOpsLong ? 900_000 : 120_000,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          hookTimeout: 60_000,
          ...together,
        },
      },
      {
        test: {
          // Faults in clusters of their own, minutes each: only `npm run check:ops` has them.
          name: 'drills',
          include: ['test/drills/**/*.test.ts'],
          testTimeout: 600_000,
          fileParallelism: false,
          sequence: { groupOrder: 5 },
          ...realServers,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
