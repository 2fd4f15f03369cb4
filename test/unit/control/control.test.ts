import { expect, test } from 'vitest';
import { encodeCommand } from '../../../src/control/control-codec.js';
import { LogError } from '../../../src/log/event-log.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { SimEnvironment } from '../../simulation/sim-environment.js';
import { ControlNode, disconnectOf, lifetimeMs } from './control-world.js';

const topic = 'selvage.control';

function makeWorld() {
  const environment = new SimEnvironment(() => 0.5);
  const log = new MemoryEventLog({}, environment);
  const logOfAnother = new MemoryEventLog({ broker: log.broker }, environment);
  const send = async (subject: string, atMs = environment.nowMs): Promise<void> => {
    const [value = ''] = encodeCommand(disconnectOf(subject, atMs));
    await log.append([{ topic, key: null, value, timestampMs: atMs }]);
  };
  const tokenOf = (subject: string) => ({ subject, tokenId: `t-${subject}`, issuedAtMs: environment.nowMs - 1_000 });
  return { environment, log, logOfAnother, send, tokenOf };
}

test('a command reaches every node, the sender included, and events pass by untouched', async () => {
  const { environment, log, logOfAnother, tokenOf } = makeWorld();
  await log.ensureTopic('events', 3);
  const nodes = [new ControlNode(log, environment, { topic }), new ControlNode(logOfAnother, environment, { topic })];
  for (const node of nodes) {
    node.follow('events');
    void node.control.start();
  }
  await environment.advance(1_000);
  expect(nodes.map(({ isReady }) => isReady)).toEqual([true, true]);
  const sent = nodes[0]?.control.sender.send(disconnectOf('alice', environment.nowMs));
  await log.append([{ topic: 'events', key: 'k', value: 'v' }]);
  await environment.advance(10);
  await sent;
  for (const { commands, control, batches, topics, health } of nodes) {
    expect(commands).toEqual([expect.objectContaining({ kind: 'disconnect', subject: 'alice' })]);
    expect(control.revocations.isRevoked(tokenOf('alice'))).toBe(true);
    expect(control.revocations.isRevoked(tokenOf('bob'))).toBe(false);
    expect(batches.map((batch) => batch.topic)).toEqual(['events']);
    expect([...topics]).toEqual(['events']);
    expect(health?.delivering).toBe(true);
  }
});

test('what was revoked before is read back before start resolves, as far back as tokens live', async () => {
  const { environment, log, send, tokenOf } = makeWorld();
  await log.ensureTopic(topic, 1);
  await send('ancient', environment.nowMs - 2 * lifetimeMs);
  await send('alice', environment.nowMs - lifetimeMs / 2);
  const node = new ControlNode(log, environment, { topic });
  let hasStarted = false;
  void node.control.start().then(() => (hasStarted = true));
  expect(node.control.notReady).not.toBeNull();
  await environment.advance(100);
  expect(hasStarted).toBe(true);
  expect(node.commands).toEqual([expect.objectContaining({ subject: 'alice' })]);
  // Without its tail it does not know what comes next.
  expect(node.isReady).toBe(false);
  await send('bob');
  node.follow('events');
  await send('carol');
  await environment.advance(1_000);
  expect(node.isReady).toBe(true);
  for (const subject of ['alice', 'bob', 'carol'])
    expect(node.control.revocations.isRevoked({ ...tokenOf(subject), issuedAtMs: null })).toBe(true);
});

test('a node that cannot read the topic says why, tries again, and misses nothing', async () => {
  const { environment, log, logOfAnother, send, tokenOf } = makeWorld();
  await log.ensureTopic(topic, 1);
  await send('alice');
  logOfAnother.setReachable(false);
  const node = new ControlNode(logOfAnother, environment, { topic });
  node.follow('events');
  void node.control.start();
  await environment.advance(20_000);
  expect(node.isReady).toBe(false);
  expect(node.control.notReady).toMatch(/cannot be read: .*cut off/);
  logOfAnother.setReachable(true);
  await environment.advance(6_000);
  expect(node.isReady).toBe(true);
  expect(node.control.revocations.isRevoked({ ...tokenOf('alice'), issuedAtMs: 0 })).toBe(true);
});

test('a topic that never stops growing does not keep a node from starting', async () => {
  const { environment, log, send, tokenOf } = makeWorld();
  await log.ensureTopic(topic, 1);
  for (let i = 0; i < 3; i++) await send(`early-${i}`);
  let scans = 0;
  const scan = (...range: Parameters<MemoryEventLog['scan']>): ReturnType<MemoryEventLog['scan']> => {
    void send(`late-${scans++}`);
    return log.scan(...range);
  };
  const node = new ControlNode(Object.create(log, { scan: { value: scan } }) as MemoryEventLog, environment, { topic });
  await Promise.all([node.control.start(), environment.settle()]);
  expect(scans).toBe(1);
  node.follow('events');
  await environment.advance(1_000);
  expect(node.isReady).toBe(true);
  for (const subject of ['early-2', 'late-0'])
    expect(node.control.revocations.isRevoked({ ...tokenOf(subject), issuedAtMs: 0 })).toBe(true);
});

test('a topic that is missing and may not be made is named', async () => {
  const { environment, log } = makeWorld();
  let mayCreate = false;
  const strict = Object.create(log, { ensureTopic: { value: async () => mayCreate } }) as MemoryEventLog;
  const node = new ControlNode(strict, environment, { topic });
  node.follow('events');
  void node.control.start();
  await environment.advance(1_000);
  expect(node.control.notReady).toContain(`the topic "${topic}" does not exist and may not be created here`);
  mayCreate = true;
  await log.ensureTopic(topic, 1);
  await environment.advance(10_000);
  expect(node.isReady).toBe(true);
});

test('a stretch that the tail lost is read back; meanwhile the node says so', async () => {
  const { environment, log, send, tokenOf } = makeWorld();
  await log.ensureTopic(topic, 1);
  const node = new ControlNode(log, environment, { topic });
  const listener = node.control.listener({
    onPartitions: () => undefined,
    onPartitionCountConfirmed: () => undefined,
    onBatch: () => undefined,
    onReset: () => undefined,
    onHealth: () => undefined,
  });
  listener.onPartitions(topic, 1, [{ partition: 0, next: 0 }]);
  void node.control.start();
  await environment.settle();
  expect(node.isReady).toBe(true);
  for (const subject of ['a', 'b', 'c']) await send(subject);
  listener.onBatch({
    topic,
    partition: 0,
    from: 2,
    to: 2,
    records: log.broker.partition(topic, 0).read(2, 2, { recordsMax: 9, bytesMax: 999 }).records,
    end: 3,
  });
  expect(node.control.notReady).toContain('2 records');
  expect(node.control.revocations.isRevoked({ ...tokenOf('c'), issuedAtMs: 0 })).toBe(true);
  await environment.settle();
  expect(node.isReady).toBe(true);
  for (const subject of ['a', 'b']) expect(node.control.revocations.isRevoked({ ...tokenOf(subject), issuedAtMs: 0 })).toBe(true);
  expect(node.widened).toBe(0);
});

test('a stretch that nobody can read any more refuses all tokens of its time', async () => {
  const { environment, log, send } = makeWorld();
  await log.ensureTopic(topic, 1);
  const node = new ControlNode(log, environment, { topic });
  node.follow('events');
  void node.control.start();
  await environment.advance(1_000);
  log.setReachable(false);
  const other = new MemoryEventLog({ broker: log.broker }, environment);
  const [value = ''] = encodeCommand(disconnectOf('alice', environment.nowMs));
  await other.append([{ topic, key: null, value }]);
  log.broker.trim(topic, 0, 1);
  await other.append([{ topic, key: null, value: 'nothing of ours' }]);
  log.setReachable(true);
  await environment.advance(1_000);
  expect([node.isReady, node.widened]).toEqual([true, 1]);
  expect(node.control.revocations.isRevoked({ subject: 'alice', tokenId: 'x', issuedAtMs: environment.nowMs - 5_000 })).toBe(true);
  expect(node.control.revocations.isRevoked({ subject: 'alice', tokenId: 'x', issuedAtMs: environment.nowMs })).toBe(false);
  await expect(send('bob')).resolves.toBeUndefined();
});

test('a topic that was made again goes on delivering; what was revoked before stays refused', async () => {
  const { environment, log, send, tokenOf } = makeWorld();
  const node = new ControlNode(log, environment, { topic });
  node.follow('events');
  void node.control.start();
  await environment.advance(1_000);
  for (const subject of ['a', 'b', 'c']) await send(subject);
  await environment.advance(1_000);
  log.broker.deleteTopic(topic);
  // The sender makes it again.
  const sent = node.control.sender.send(disconnectOf('d', environment.nowMs));
  await environment.advance(2_000);
  await sent;
  expect(node.isReady).toBe(true);
  for (const subject of ['a', 'b', 'c', 'd']) expect(node.control.revocations.isRevoked({ ...tokenOf(subject), issuedAtMs: 0 })).toBe(true);
});

test('more than may be read back: the newest are, and what was issued before them is refused', async () => {
  const { environment, log, send } = makeWorld();
  await log.ensureTopic(topic, 1);
  const atMs = environment.nowMs - 1_000_000;
  for (let i = 0; i < 50; i++) await send(`user-${i}`, atMs + i * 1_000);
  const node = new ControlNode(log, environment, { topic, readBackRecordsMax: 20 });
  node.follow('events');
  void node.control.start();
  await environment.advance(1_000);
  expect([node.commands.length, node.widened, node.isReady]).toEqual([20, 1, true]);
  expect(node.control.revocations.isRevoked({ subject: 'user-3', tokenId: 'x', issuedAtMs: atMs + 3_000 })).toBe(true);
  expect(node.control.revocations.isRevoked({ subject: 'other', tokenId: 'x', issuedAtMs: atMs + 31_000 })).toBe(false);
});

test('a topic that forgets sooner than tokens expire refuses those of the time that it forgot', async () => {
  const { environment, log } = makeWorld();
  log.broker.createTopic(topic, { partitionCount: 1, firstOffset: 7, retentionMs: lifetimeMs / 4 });
  const node = new ControlNode(log, environment, { topic });
  node.follow('events');
  void node.control.start();
  await environment.advance(1_000);
  expect(node.isReady).toBe(true);
  expect(node.control.revocations.isRevoked({ subject: 'a', tokenId: 'x', issuedAtMs: environment.nowMs - lifetimeMs / 2 })).toBe(true);
  expect(node.control.revocations.isRevoked({ subject: 'a', tokenId: 'x', issuedAtMs: environment.nowMs - lifetimeMs / 8 })).toBe(false);
});

test('whatever others write into the topic is counted and passed over', async () => {
  const { environment, log } = makeWorld();
  const node = new ControlNode(log, environment, { topic });
  node.follow('events');
  void node.control.start();
  await environment.advance(1_000);
  const values = [
    null,
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"v":1}',
    '{"v":2,"kind":"disconnect","subject":"a","atMs":1,"untilMs":2}',
    '{"v":1,"kind":"explode"}',
  ];
  values.push('{"v":1,"kind":"disconnect","atMs":1,"untilMs":2}', '{"v":1,"kind":"disconnect","subject":7,"atMs":1,"untilMs":2}');
  values.push(
    '{"v":1,"kind":"disconnect","subject":"a","tokenId":null,"atMs":1,"untilMs":2}',
    `{"v":1,"kind":"evict","streamIds":${JSON.stringify(Array(600).fill('x'))}}`,
  );
  values.push(
    '{"v":1,"kind":"disconnect","subject":"a","atMs":1e999,"untilMs":2}',
    `{"v":1,"kind":"disconnect","subject":"${'x'.repeat(2_000)}","atMs":1,"untilMs":2}`,
  );
  await log.append(values.map((value) => ({ topic, key: null, value })));
  await log.append([
    { topic, key: null, value: Buffer.from([0xff, 0xfe, 0x00]) },
    { topic, key: null, value: 'x'.repeat(100_000) },
  ]);
  await log.append([{ topic, key: 'k', value: '{"v":1,"kind":"evict","streamIds":["s"],"more":true}', headers: { x: 'y' } }]);
  await environment.advance(1_000);
  expect(node.commands).toEqual([{ kind: 'evict', streamIds: ['s'] }]);
  expect(Object.fromEntries(node.counts)).toEqual({ 'none invalid': 15, 'none unknown': 2, 'evict applied': 1 });
  expect([node.isReady, node.control.revocations.size]).toEqual([true, 0]);
  // Who starts later reads it too, and calls nobody for what was told when it came.
  const later = new ControlNode(log, environment, { topic });
  later.follow('events');
  void later.control.start();
  await environment.advance(1_000);
  expect(Object.fromEntries(later.counts)).toEqual({ 'evict applied': 1 });
});

test('a command that the log does not take, or that no node would, is refused', async () => {
  const { environment, log } = makeWorld();
  await log.ensureTopic(topic, 1);
  const node = new ControlNode(log, environment, { topic });
  const claims = { text: 'x'.repeat(70_000) };
  const renew = { kind: 'renew', streamId: 's', subject: 'a', tokenId: 't', issuedAtMs: null, expiresAtMs: null, claims } as const;
  await expect(node.control.sender.send(renew)).rejects.toBeInstanceOf(LogError);
  await expect(node.control.sender.send({ ...renew, claims: {}, subject: 'x'.repeat(3_000) })).rejects.toBeInstanceOf(LogError);
  log.setReachable(false);
  await expect(node.control.sender.send({ ...renew, claims: {} })).rejects.toBeInstanceOf(LogError);
  expect(node.counts.get('renew failed')).toBe(3);
});

test('a long eviction is sent in parts', async () => {
  const { environment, log } = makeWorld();
  const node = new ControlNode(log, environment, { topic });
  node.follow('events');
  void node.control.start();
  await environment.advance(1_000);
  const streamIds = [...Array(1_200).keys()].map((i) => `stream-${i}`);
  await node.control.sender.send({ kind: 'evict', streamIds });
  await environment.advance(1_000);
  expect(node.commands.length).toBe(3);
  expect(node.commands.flatMap((command) => (command.kind === 'evict' ? command.streamIds : []))).toEqual(streamIds);
});
