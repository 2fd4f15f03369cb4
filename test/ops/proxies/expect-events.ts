import { expect } from 'vitest';
import { waitFor } from '../../platform/wait-for.js';
import type { ResumingReader } from './resuming-reader.js';
import type { Counter } from './two-nodes.js';

export const hasAll = (readers: readonly ResumingReader[], count: number): Promise<boolean> =>
  waitFor(() => readers.every(({ datas }) => datas.length >= count), { what: `${count} events everywhere`, timeoutMs: 20_000 });

/** Sends twenty more, stops, and expects that each reader has all that was ever sent, once and in order, and was told of no gap. @returns What was sent. */
export async function expectExactEnd(readers: readonly ResumingReader[], counter: Counter): Promise<readonly string[]> {
  await hasAll(readers, counter.sent + 20);
  const sent = await counter.stop();
  await hasAll(readers, sent.length);
  for (const reader of readers) expect([reader.datas, reader.gaps, reader.stopped]).toEqual([sent, [], null]);
  return sent;
}
