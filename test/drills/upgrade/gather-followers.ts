import type { SeededRandom } from '../../chaos/random.js';
import { Follower } from './follower.js';
import type { FollowerOptions } from './follower.js';
import { changingKeys } from './upgrade-world.js';

type Draft = Pick<FollowerOptions, 'name' | 'channels' | 'asks'> & { readonly judges?: (channel: string) => boolean };

const isUnchanged = (channel: string): boolean => channel.startsWith('k.');

/** Readers of the routes that change, alone and beside a channel that does not. */
export function gatherFollowers(random: SeededRandom, nodes: FollowerOptions['nodes']): Follower[] {
  const drafts: Draft[] = [
    ...changingKeys('renamed').map((key) => ({
      name: `renamed ${key}`,
      channels: [`r.${key}`],
      asks: [[`after.${key}`], [`before.${key}`]],
    })),
    ...changingKeys('removed').map((key) => ({ name: `removed ${key}`, channels: [`r.${key}`], asks: [[`gone.${key}`]] })),
    ...changingKeys('added').map((key) => ({ name: `added ${key}`, channels: [`r.${key}`], asks: [[`fresh.${key}`]] })),
    // One of its channels is renamed: every event of both.
    ...changingKeys('renamed').map((key, i) => ({
      name: `unchanged and renamed ${key}`,
      channels: [`k.key${i}`, `r.${key}`],
      asks: [
        [`k.key${i}`, `after.${key}`],
        [`k.key${i}`, `before.${key}`],
      ],
    })),
    // One of its channels comes or goes: every event of the other, with positions that speak of a topic that the node does not know, or not of one that it knows.
    ...[
      ...changingKeys('removed').map((key) => [key, `gone.${key}`] as const),
      ...changingKeys('added').map((key) => [key, `fresh.${key}`] as const),
    ].map(([key, channel], i) => ({
      name: `unchanged beside ${key}`,
      channels: [`k.key${i}`],
      asks: [[`k.key${i}`, channel], [`k.key${i}`]],
      judges: isUnchanged,
    })),
  ];
  return drafts.map(({ judges = () => true, ...draft }) => new Follower({ ...draft, judges, random: random.fork(), nodes }));
}
