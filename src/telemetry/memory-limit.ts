import { totalmem } from 'node:os';

/**
 * Bytes of memory that the process may have: the limit of its control group where there is one, else what the machine has. It may change while the process runs (a pod
 * that is resized in place).
 */
export function readMemoryLimitBytes(): number {
  // 0, undefined or more than there is stand for "none", by version.
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
