import { expect, test } from 'vitest';
import { PartitionRecent } from '../../../src/recent/partition-recent.js';
import type { RecordEvent } from '../../../src/routing/record-event.js';
import type { RoutedEvent } from '../../../src/routing/routed-event.js';
import { recordEvent } from '../../platform/record-event.js';
import { seededRandom } from '../../simulation/sim-environment.js';

const channelNames = ['a', 'b', 'c', 'd', 'busy'];

/** What is held, as a list that is searched from end to end. */
class Model {
  events: RecordEvent[] = [];
  start = -1;
  tail = -1;

  page(channels: readonly string[], after: number, eventsMax: number): { readonly ids: readonly string[]; readonly provenTo: number } {
    let provenTo = this.tail;
    for (const channel of channels) {
      const own = this.events.filter((event) => event.channels.includes(channel) && event.offset > after);
      const full = own[eventsMax - 1];
      if (full === undefined) continue;
      if (own.some(({ offset }) => offset > full.offset)) provenTo = Math.min(provenTo, full.offset);
    }
    const isOf = (event: RecordEvent): boolean => channels.some((channel) => event.channels.includes(channel));
    const asked = this.events.filter((event) => isOf(event) && event.offset > after && event.offset <= provenTo);
    return { ids: asked.map(idOf), provenTo };
  }

  newest(channel: string, countMax: number): readonly string[] {
    return this.events
      .filter((event) => event.channels.includes(channel))
      .slice(-countMax)
      .map(idOf);
  }
}

/** All that an event is. */
const idOf = (event: RoutedEvent): string =>
  [event.offset, event.index, event.timestampMs, event.type, event.channels.join('+'), Buffer.from(event.body.bytes).toString()].join(' ');

test.each([1, 2, 3, 4, 5, 6])('what is held reads as it came, whatever was added and let go of (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const recent = new PartitionRecent();
  const model = new Model();
  const takeRecord = (): void => {
    const offset = model.tail + 1 + (random() < 0.2 ? upTo(5) : 0);
    for (let index = 0; index < (random() < 0.1 ? 2 : 1); index++) {
      const others = channelNames.filter(() => random() < 0.15);
      const channels = random() < 0.7 || others.length === 0 ? ['busy'] : others;
      const type = random() < 0.9 ? 'message' : 'other';
      const event = recordEvent({ offset, index, type, timestampMs: 1_700_000_000_000 + offset, channels, data: `${offset}/${index}` });
      recent.add(event);
      model.events.push(event);
    }
    model.tail = offset;
    recent.advance(offset);
  };
  for (let step = 0; step < 60; step++) {
    // Now and then much more or much less is held than before: room is made and given back.
    for (let count = upTo(step % 7 === 0 ? 500 : 40); count > 0; count--) takeRecord();
    if (random() < 0.4) {
      model.start = model.start + upTo(random() < 0.2 ? model.tail - model.start : 60);
      model.start = Math.min(model.start, model.tail);
      model.events = model.events.filter(({ offset }) => offset > model.start);
      recent.evict(model.start);
    }
    if (random() < 0.02) {
      model.events = [];
      model.start = model.tail += 10;
      recent.restart(model.tail);
    }
    expect([recent.start, recent.tail]).toEqual([model.start, model.tail]);
    for (let look = 0; look < 8; look++) {
      const channels = channelNames.filter(() => random() < 0.4);
      const after = model.start + upTo(model.tail - model.start);
      const eventsMax = 1 + upTo(150);
      const { events, provenTo } = recent.page(channels, after, eventsMax, Infinity);
      expect({ ids: events.map(idOf), provenTo }).toEqual(model.page(channels, after, eventsMax));
      const channel = channelNames[upTo(channelNames.length - 1)] as string;
      expect(recent.newest(channel, eventsMax).map(idOf)).toEqual(model.newest(channel, eventsMax));
    }
  }
});
