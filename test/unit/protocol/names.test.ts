import { describe, expect, test } from 'vitest';
import { isChannelName, isEventType } from '../../../src/protocol/channel-name.js';
import { readVectors } from './vectors.js';

interface NameVector {
  readonly text: string;
  readonly repeat?: number;
  readonly valid: boolean;
}
const { channels, types } = readVectors('names') as { channels: readonly NameVector[]; types: readonly NameVector[] };
const whole = ({ text, repeat = 1 }: NameVector): string => text.repeat(repeat);
const title = (vector: NameVector): string => `${JSON.stringify(vector.text)} × ${vector.repeat ?? 1} is ${vector.valid ? 'one' : 'none'}`;

describe('channel names', () => {
  for (const vector of channels) test(title(vector), () => expect(isChannelName(whole(vector))).toBe(vector.valid));
});

describe('event types', () => {
  for (const vector of types) test(title(vector), () => expect(isEventType(whole(vector))).toBe(vector.valid));
});
