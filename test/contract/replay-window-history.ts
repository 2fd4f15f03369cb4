import fc from 'fast-check';
import type { RoutedEvent } from '../../src/routing/routed-event.js';
import type { WindowAnswer, WindowStretch } from '../../src/window/replay-window.js';
import { event, readAfter, topic } from './replay-window-contract.js';
import type { OpenWindow } from './replay-window-contract.js';

/** What may happen to a window, drawn at random. Offsets are relative to the writers' furthest, so that shrinking keeps a history sensible. */
export type Happening =
  | { readonly kind: 'write'; readonly length: number }
  | { readonly kind: 'skip'; readonly length: number }
  | { readonly kind: 'zombie'; readonly back: number; readonly length: number }
  | { readonly kind: 'renew'; readonly back: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'replica-point' }
  | { readonly kind: 'fail-over' }
  | {
      readonly kind: 'read';
      readonly back: number;
      readonly channels: readonly string[];
      readonly eventsMax: number;
      readonly bytesMax: number;
    };

/** `rare` has so few events that its stream can expire while the others live. */
const names = ['a', 'b', 'rare'];
const length = fc.integer({ min: 0, max: 6 });
const back = fc.integer({ min: -1, max: 30 });

/** Histories of one partition. `passMsMax` 0: no time goes by. `bytesMax` null: pages are bounded in bytes too. */
export const histories = (passMsMax: number, bytesMax: number | null): fc.Arbitrary<readonly Happening[]> => {
  const read = fc.record({
    kind: fc.constant('read' as const),
    back,
    channels: fc.shuffledSubarray(names, { minLength: 1 }),
    eventsMax: fc.integer({ min: 1, max: 8 }),
    bytesMax: bytesMax === null ? fc.integer({ min: 1, max: 200 }) : fc.constant(bytesMax),
  });
  // Mostly shorter than a floor lives, so that it is renewed while streams grow old.
  const ms = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: Math.floor(passMsMax / 5), max: Math.ceil(passMsMax / 1.5) }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: passMsMax }) },
  );
  const happenings = [
    { weight: 12, arbitrary: fc.record({ kind: fc.constant('write' as const), length }) },
    { weight: 12, arbitrary: read },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('zombie' as const), back, length }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('skip' as const), length }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const), back: fc.integer({ min: 0, max: 2 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'replica-point' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'fail-over' as const }) },
    ...(passMsMax > 0 ? [{ weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms }) }] : []),
  ];
  return fc.array(fc.oneof(...happenings), { minLength: 10, maxLength: 80, size: 'max' });
};

/** The log: what lies at an offset never changes. Some offsets have no record, some records several events. */
function eventsAt(offset: number): readonly RoutedEvent[] {
  const chance = (offset * 7919 + 13) % 97;
  if (chance % 5 === 0) return [];
  const channels = names.filter((name, i) => (name === 'rare' ? offset % 13 === 4 : (chance >> i) % 2 === 0));
  if (channels.length === 0) return [];
  const count = chance % 7 === 0 ? 3 : 1;
  return Array.from({ length: count }, (_, index) => event(offset, channels, { index, data: `${offset}.${index}` }));
}

function stretchOf(from: number, size: number): WindowStretch {
  const events = Array.from({ length: size }, (_, i) => eventsAt(from + i)).flat();
  return { topic, partition: 0, from, to: from + size - 1, events };
}

/** Plays a history; throws at the first page that claims more, or other, than the log has. Returns what each step told. */
export async function play({ window, pass, flush, replicaPoint }: OpenWindow, history: readonly Happening[]): Promise<readonly unknown[]> {
  const answers: unknown[] = [];
  let next = 3;
  let failOver: (() => Promise<void>) | null = null;
  for (const step of history) {
    if (step.kind === 'write') {
      answers.push(await window.write(stretchOf(next, step.length)));
      next += step.length;
    } else if (step.kind === 'skip') next += step.length;
    else if (step.kind === 'zombie') {
      const from = Math.max(0, next - 1 - step.back);
      answers.push(await window.write(stretchOf(from, Math.max(0, Math.min(step.length, next - from)))));
    } else if (step.kind === 'renew') answers.push(await window.renew(topic, 0, next - step.back));
    else if (step.kind === 'pass') await pass(step.ms);
    else if (step.kind === 'flush') await flush();
    else if (step.kind === 'replica-point') failOver = await replicaPoint();
    else if (step.kind === 'fail-over') await failOver?.();
    else {
      const answer = await readAfter(window, next - 1 - step.back, step.channels, step);
      check(answer, step.channels, next - 1 - step.back, next - 1);
      answers.push(answer.kind === 'page' ? [answer.provenTo, answer.events.map(({ offset, index }) => `${offset}.${index}`)] : answer);
    }
  }
  return answers;
}

function check(answer: WindowAnswer, channels: readonly string[], after: number, logEnd: number): void {
  if (answer.kind !== 'page') return;
  if (answer.provenTo <= after || answer.provenTo > answer.high || answer.high > logEnd)
    throw new Error(`U ${answer.provenTo} after ${after}`);
  const offsets = Array.from({ length: answer.provenTo - after }, (_, i) => after + 1 + i);
  const expected = offsets
    .flatMap((offset) => (offset < 0 ? [] : eventsAt(offset)))
    .map((one) => ({ id: `${one.offset}.${one.index}`, channels: channels.filter((channel) => one.channels.includes(channel)) }))
    .filter((one) => one.channels.length > 0);
  const got = answer.events.map((one) => ({ id: `${one.offset}.${one.index}`, channels: one.channels }));
  if (JSON.stringify(got) !== JSON.stringify(expected)) {
    throw new Error(
      `(${after}, ${answer.provenTo}] of ${channels.join()}: got ${JSON.stringify(got)}, the log has ${JSON.stringify(expected)}`,
    );
  }
}
