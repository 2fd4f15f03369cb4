import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventLog } from '../../../src/log/event-log.js';
import { numbered, SharedRecorder, until } from '../../contract/event-log-contract.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { KafkaLogHarness } from './kafka-log-harness.js';

const partitions = [0, 1, 2, 3];
const harness = new KafkaLogHarness(sharedKafka().brokers);
let log: EventLog;

beforeAll(async () => {
  await harness.admin.connect();
  log = await harness.openLog();
});

afterAll(() => harness.close());

const placesOf = ({ assigned }: SharedRecorder): string[] => (assigned.at(-1) ?? []).map(({ topic, partition }) => `${topic}/${partition}`);

test('every partition goes to a member that asked for its topic, while members of a shared group ask for different topics', async () => {
  const [both, older, newer] = [
    await harness.makeTopic(4, 'both'),
    await harness.makeTopic(4, 'older'),
    await harness.makeTopic(4, 'newer'),
  ];
  const group = uniqueName('mixed');
  const [first, second] = [new SharedRecorder(), new SharedRecorder()];
  const wanted = [both, older, newer].flatMap((topic) => partitions.map((partition) => `${topic}/${partition}`)).sort();
  const members = [log.share(group, [both, older], first)];
  await until(() => placesOf(first).length === 8, 'the first member alone');
  members.push(log.share(group, [both, newer], second));
  await until(() => JSON.stringify([...placesOf(first), ...placesOf(second)].sort()) === JSON.stringify(wanted), 'all twelve partitions');
  expect(placesOf(first).some((place) => place.startsWith(newer))).toBe(false);
  expect(placesOf(second).some((place) => place.startsWith(older))).toBe(false);
  for (const topic of [both, older, newer])
    for (const partition of partitions) await log.append(numbered(topic, partition, `${topic}/${partition}`, 1));
  await until(() => first.values.length + second.values.length === 12, 'a record of each');
  await Promise.all(members.map((member) => member.stop()));
});
