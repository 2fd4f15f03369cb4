import { describeReplayWindow } from '../../contract/replay-window-contract.js';
import { MemoryReplayWindow } from '../../../src/window/memory/memory-replay-window.js';

describeReplayWindow(
  'the window in memory',
  (options) => {
    let nowMs = 1_700_000_000_000;
    const clock = { nowMs: () => nowMs, tickMs: () => nowMs };
    const all = { ...options, prefix: 'test', clock };
    const window = new MemoryReplayWindow(all);
    return Promise.resolve({
      window,
      pass: (ms: number) => {
        nowMs += ms;
        return Promise.resolve();
      },
      flush: () => {
        window.flush();
        return Promise.resolve();
      },
      replicaPoint: () => {
        const snapshot = window.snapshot();
        return Promise.resolve(() => {
          window.restore(snapshot);
          return Promise.resolve();
        });
      },
      sibling: (other) => window.sibling({ ...all, ...other }),
    });
  },
  60_000,
);
