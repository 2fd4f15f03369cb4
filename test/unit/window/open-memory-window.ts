import type { OpenWindowWith } from '../../contract/replay-window-contract.js';
import { MemoryReplayWindow } from '../../../src/window/memory/memory-replay-window.js';

/** A window in memory whose time is the test's. */
export const openMemoryWindow: OpenWindowWith = (options) => {
  let nowMs = 1_700_000_000_000;
  const all = { ...options, prefix: 'test', clock: { nowMs: () => nowMs, tickMs: () => nowMs } };
  const window = new MemoryReplayWindow(all);
  return Promise.resolve({
    window,
    pass: (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
    flush: () => Promise.resolve(window.flush()),
    replicaPoint: () => {
      const snapshot = window.snapshot();
      return Promise.resolve(() => Promise.resolve(window.restore(snapshot)));
    },
    sibling: (other) => window.sibling({ ...all, ...other }),
  });
};
