import { expect, test } from 'vitest';
import { judgeTopic } from '../../../src/cli/topics/judge-topic.js';
import { neededTopics } from '../../../src/cli/topics/needed-topics.js';
import { load } from '../config/config-fixture.js';

const config = load({ env: { KAFKA_BROKERS: 'k:9092', SELVAGE_GROUP: 'g' } });
const needed = neededTopics(config, { partitions: 12, replication: 3, retentionMs: 604_800_000 });
const [events, control] = needed;

const found = (
  settings: Readonly<Record<string, string>> | null,
  inSync: readonly number[] = [1, 2, 3],
  replicas: readonly number[] = [1, 2, 3],
) => ({
  partitions: [{ partition: 0, leader: 1, replicas, inSync }],
  settings:
    settings === null
      ? null
      : new Map(Object.entries({ 'cleanup.policy': 'delete', 'retention.ms': '604800000', 'min.insync.replicas': '2', ...settings })),
});

test('needed are the topics of the routes, the control topic and that of dead letters, with settings that fit', () => {
  expect(needed.map(({ topic, use, partitionCount }) => [topic, use, partitionCount])).toEqual([
    ['selvage.events', 'routes', 12],
    ['g.control', 'control', 1],
    ['g.dead-letters', 'dead letters', 1],
  ]);
  expect(events!.settings).toMatchObject({
    'cleanup.policy': 'delete',
    'retention.ms': '604800000',
    'min.insync.replicas': '2',
    'unclean.leader.election.enable': 'false',
  });
  // Tokens live 7 days at most here; revocations must outlive them.
  expect(Number(control!.settings['retention.ms'])).toBeGreaterThan(604_800_000);
});

test('topics of a route that says current-state are made compacted', () => {
  const yaml = 'routes: [{topic: t, channels: "t.{key}", keyed: murmur2, compacted: current-state, latest: {ttlSeconds: 60}}]';
  const [state] = neededTopics(load({ env: { KAFKA_BROKERS: 'k:9092' }, yaml }), { partitions: 1, replication: 1, retentionMs: 1 });
  expect(state!.settings).toMatchObject({ 'cleanup.policy': 'compact', 'min.insync.replicas': '1' });
});

test('a topic as it should be has no remarks', () => {
  expect(judgeTopic(events!, found({}), config)).toEqual([]);
});

test.each([
  ['retention below the window', { 'retention.ms': '60000' }, 'fail', 'before the window'],
  ['retention below an hour', { 'retention.ms': '600000' }, 'warn', 'whoever stays away longer'],
  ['a compacted topic of events', { 'cleanup.policy': 'compact' }, 'warn', 'is compacted'],
  ['a topic cut by size', { 'retention.bytes': '1000' }, 'warn', 'cut by size'],
  ['one acknowledging replica', { 'min.insync.replicas': '1' }, 'warn', 'acknowledges events that one of 3'],
  ['no replica to spare', { 'min.insync.replicas': '3' }, 'warn', 'takes nothing while one broker restarts'],
  ['unclean elections', { 'unclean.leader.election.enable': 'true' }, 'warn', 'lacks events'],
  ['small records', { 'max.message.bytes': '1000' }, 'warn', 'at most 1000 bytes'],
])('%s is told', (_, settings, level, what) => {
  const remarks = judgeTopic(events!, found(settings), config);
  expect(remarks).toHaveLength(1);
  expect(remarks[0]).toMatchObject({ level });
  expect(remarks[0]!.what).toContain(what);
});

test('a control topic that forgets before tokens expire fails, and so does one that is compacted', () => {
  const short = judgeTopic(control!, found({ 'retention.ms': '3600000' }), config);
  expect(short).toMatchObject([{ level: 'fail' }]);
  expect(short[0]!.mend).toMatch(/kafka-configs --alter --topic g\.control --add-config retention\.ms=\d+/);
  expect(judgeTopic(control!, found({ 'cleanup.policy': 'compact' }), config)).toMatchObject([{ level: 'fail' }]);
});

test('replicas that are behind, too few or without a leader are told, and settings that may not be read', () => {
  expect(judgeTopic(events!, found({}, [1, 2]), config)).toMatchObject([{ level: 'warn' }]);
  expect(judgeTopic(events!, found({}, [1]), config)).toMatchObject([{ level: 'fail' }]);
  expect(judgeTopic(events!, found({ 'min.insync.replicas': '1' }, [1], [1]), config)).toMatchObject([
    { level: 'warn', what: 'has one replica' },
  ]);
  const leaderless = { partitions: [{ partition: 4, leader: -1, replicas: [1, 2, 3], inSync: [] }], settings: found({}).settings };
  expect(judgeTopic(events!, leaderless, config)).toMatchObject([{ level: 'fail', what: 'has no leader for partition 4' }]);
  expect(judgeTopic(events!, found(null, [1, 2, 3]), config).some(({ what }) => what === 'does not show its settings')).toBe(true);
});
