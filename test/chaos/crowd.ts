import type { SeededRandom } from './random.js';
import { Reader } from './reader.js';
import type { Habits, ReaderSurroundings } from './reader.js';
import type { Asked } from './reader-history.js';
import { sessions } from './records.js';
import { fatChannel, keyChannels, projectChannels, stageChannels } from './traffic.js';

export interface CrowdOptions {
  readonly size: number;
  /** How long sleepers stay away, ms. */
  readonly sleepMs: readonly [number, number];
  readonly pauseMs: readonly [number, number];
}

const patientMs = 60_000;
const impatientMs = 3_000;

/** Readers of every habit; the first fifth is steady. */
export function gatherCrowd(
  { size, sleepMs, pauseMs }: CrowdOptions,
  random: SeededRandom,
  surroundings: Pick<ReaderSurroundings, 'nodes' | 'onDelay'>,
): Reader[] {
  return Array.from({ length: size }, (_, i) => {
    const habits = habitsOf(i / size, i, sleepMs, pauseMs);
    const own = random.fork();
    const isSteady = habits.name === 'steady';
    const asked = habits.pauseFor ? slowAsked(own) : isSteady ? steadyAsked(own) : anyAsked(own);
    return new Reader(`${habits.name}-${i}`, habits, { ...surroundings, random: own, asked });
  });
}

function habitsOf(share: number, i: number, sleepMs: readonly [number, number], pauseMs: readonly [number, number]): Habits {
  const silenceMs = i % 2 === 0 ? patientMs : impatientMs;
  if (share < 0.2) return { name: 'steady', silenceMs };
  if (share < 0.6) return { name: 'dropper', silenceMs, dropAfter: [300, 8_000], awayFor: [0, 1_500] };
  if (share < 0.75) return { name: 'sleeper', silenceMs, dropAfter: [1_000, 6_000], awayFor: sleepMs };
  if (share < 0.9) return { name: 'slow', silenceMs: patientMs, pauseFor: pauseMs, dropAfter: [15_000, 40_000] };
  return { name: 'hibernator', silenceMs };
}

const asked = (channels: readonly string[], more: Partial<Asked> = {}): Asked => ({
  channels,
  kind: null,
  session: null,
  format: 'plain',
  ...more,
});

function steadyAsked(random: SeededRandom): Asked {
  return asked([random.pick(random.pick([stageChannels, projectChannels, keyChannels]))]);
}

function slowAsked(random: SeededRandom): Asked {
  return random.pick([asked([fatChannel]), asked([fatChannel, random.pick(keyChannels)]), asked(projectChannels, { format: 'envelope' })]);
}

function anyAsked(random: SeededRandom): Asked {
  const key = random.pick(keyChannels);
  const otherKey = random.pick(keyChannels);
  const stage = random.pick(stageChannels);
  const project = random.pick(projectChannels);
  const several = [...new Set([key, otherKey, stage, project])];
  return random.pick([
    asked([key]),
    asked([key]),
    asked([key], { session: random.pick(sessions) }),
    asked([key], { kind: 'step', format: 'envelope' }),
    asked([...new Set([key, otherKey])], { format: 'envelope' }),
    asked([stage]),
    asked([stage, project]),
    asked([project], { kind: 'note' }),
    asked([stage, project], { session: random.pick(sessions), format: 'envelope' }),
    asked(several, { format: 'envelope' }),
  ]);
}
