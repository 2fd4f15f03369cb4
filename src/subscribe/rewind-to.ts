import type { Subscription } from '../hub/subscription.js';
import type { PartitionLog } from '../hub/topic-log.js';
import { noFilter } from '../routing/filter.js';
import type { ReplayWindow } from '../window/replay-window.js';
import type { LogPages } from './log-pages.js';
import { newestOf, type Candidate } from './rewind.js';
import { startAtTail, type StartingPoint } from './starting-point.js';

/** So many of a channel's newest events are looked through in memory and the window. */
const lookedThroughMax = 1_000;
/** How far before them the log is looked through, in offsets, and by how many at a time. */
const lookBackOffsetsMax = 20_000;
const stepOffsets = 2_000;

/**
 * Where a reader begins that asked for everything from the newest event of one of `types` on, for each channel: whoever comes in the middle of an
 * answer has it from its beginning. A channel without recent events begins at the head: nothing is under way. An answer that is longer than memory
 * and window hold is looked for in the log; when it is not found there either, the reader is told, and has as much of it as is known.
 */
export async function startAtNewestOf(
  subscription: Subscription,
  types: ReadonlySet<string>,
  window: ReplayWindow | null,
  pages: Pick<LogPages, 'read'>,
  safeTimeMs: number,
): Promise<StartingPoint> {
  const start = startAtTail(subscription, safeTimeMs);
  // The type need not be one that is sent.
  const unfiltered = { ...subscription, filter: noFilter };
  for (const channel of subscription.channels) {
    const known = (
      await Promise.all([...start.at.keys()].map((partition) => newestOf(unfiltered, channel, partition, lookedThroughMax, window)))
    ).flat();
    const begin = newest(known.filter(({ entry }) => types.has(entry.type)));
    if (begin !== null) moveBack(start, begin.partition, begin.entry.offset);
    else for (const oldest of oldestByPartition(known)) await lookInLog(start, channel, types, oldest, pages);
  }
  return start;
}

function moveBack(start: StartingPoint, partition: PartitionLog, offset: number): void {
  start.at.set(partition, Math.min(start.at.get(partition) ?? partition.tail, offset - 1));
}

const isNewer = (a: Candidate, b: Candidate): boolean =>
  a.entry.timestampMs > b.entry.timestampMs || (a.entry.timestampMs === b.entry.timestampMs && a.entry.offset > b.entry.offset);

const newest = (candidates: readonly Candidate[]): Candidate | null =>
  candidates.reduce<Candidate | null>((best, one) => (best === null || isNewer(one, best) ? one : best), null);

function oldestByPartition(candidates: readonly Candidate[]): readonly Candidate[] {
  const oldest = new Map<PartitionLog, Candidate>();
  for (const candidate of candidates) {
    const other = oldest.get(candidate.partition);
    if (other === undefined || candidate.entry.offset < other.entry.offset) oldest.set(candidate.partition, candidate);
  }
  return [...oldest.values()];
}

async function lookInLog(
  start: StartingPoint,
  channel: string,
  types: ReadonlySet<string>,
  { partition, entry }: Candidate,
  pages: Pick<LogPages, 'read'>,
): Promise<void> {
  const found = await findBefore(partition, channel, types, entry.offset, pages).catch(() => null);
  moveBack(start, partition, found ?? entry.offset);
  if (found === null) start.tell('too-far', 'reader', partition);
}

/** The offset of the newest such event below `end`, step by step backwards; null when there is none within the bound. */
async function findBefore(
  partition: PartitionLog,
  channel: string,
  types: ReadonlySet<string>,
  end: number,
  pages: Pick<LogPages, 'read'>,
): Promise<number | null> {
  const last = Math.max(0, end - lookBackOffsetsMax);
  for (let above = end; above > last; above -= stepOffsets) {
    let found: number | null = null;
    for (let next = Math.max(last, above - stepOffsets); next < above;) {
      const answer = await pages.read(partition.topic.topic, partition.partition, next, above - 1);
      if (answer.kind === 'below-low') {
        if (answer.low >= above) return found;
        next = Math.max(next + 1, answer.low);
        continue;
      }
      for (const { type, offset } of answer.page.byChannel.get(channel) ?? []) {
        if (offset < above && types.has(type)) found = Math.max(found ?? offset, offset);
      }
      next = Math.max(next, answer.page.to) + 1;
    }
    if (found !== null) return found;
  }
  return null;
}
