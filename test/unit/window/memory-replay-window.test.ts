import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeReplayWindow } from '../../contract/replay-window-contract.js';
import { histories, play } from '../../contract/replay-window-history.js';
import { openMemoryWindow } from './open-memory-window.js';

const ageMs = 60_000;

describeReplayWindow('the window in memory', openMemoryWindow, ageMs);

test.each([1, 3])(
  'a page that is judged complete is complete, whatever happened before (%i bucket(s))',
  async (bucketCount) => {
    let pages = 0;
    await fc.assert(
      fc.asyncProperty(histories(ageMs * 1.3, null), fc.integer({ min: 1, max: 12 }), async (history, eventsPerChannelMax) => {
        const options = { ageMs, eventsPerChannelMax, bucketCount, describeTopic: () => ({ fingerprint: 'f', generation: '' }) };
        const answers = await play(await openMemoryWindow(options), history);
        pages += answers.filter(Array.isArray).length;
      }),
      { numRuns: 4_000 },
    );
    // Otherwise it would prove nothing.
    expect(pages).toBeGreaterThan(4_000);
  },
  60_000,
);
