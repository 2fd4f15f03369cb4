import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCommand } from '../../../src/control/control-codec.js';
import type { DisconnectCommand } from '../../../src/control/control-command.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { ControlNode, lifetimeMs } from '../../unit/control/control-world.js';
import { KafkaLogHarness } from '../log/kafka-log-harness.js';

let kafka: KafkaFixture;
let harness: KafkaLogHarness;
beforeAll(async () => {
  kafka = await KafkaFixture.connect(sharedKafka().brokers);
  harness = new KafkaLogHarness(sharedKafka().brokers);
});
afterAll(async () => {
  await Promise.all([kafka.close(), harness.close()]);
});

const disconnectOf = (subject: string): DisconnectCommand & { readonly subject: string } => {
  const atMs = Date.now();
  return { kind: 'disconnect', subject, atMs, untilMs: atMs + lifetimeMs };
};
const isRefused = (node: ControlNode, subject: string): boolean =>
  node.control.revocations.isRevoked({ subject, tokenId: `t-${subject}`, issuedAtMs: Date.now() - 60_000 });

async function startNode(topic: string, events: string): Promise<ControlNode> {
  const node = new ControlNode(await harness.openLog(), systemEnvironment, { topic });
  node.follow(events);
  await node.control.start();
  await waitFor(() => node.isReady && node.health?.delivering === true, { what: 'the node to be ready', timeoutMs: 30_000 });
  return node;
}

test('a disconnect reaches every node soon, and those that start later read it back', async () => {
  const topic = uniqueName('control');
  const events = await kafka.makeTopic(2);
  const nodes = [await startNode(topic, events), await startNode(topic, events)];
  const tookMs: number[] = [];
  for (let i = 0; i < 10; i++) {
    const command = disconnectOf(uniqueName('user'));
    const sentTickMs = performance.now();
    await nodes[i % 2]?.control.sender.send(command);
    await waitFor(() => nodes.every((node) => isRefused(node, command.subject)), { what: 'the command at both nodes', everyMs: 2 });
    tookMs.push(performance.now() - sentTickMs);
  }
  console.log(`a disconnect was in the log and at both nodes after ${tookMs.map((ms) => Math.round(ms)).join(', ')} ms`);
  await kafka.send(events, [{ value: 'an event' }]);
  await waitFor(() => nodes.every(({ batches }) => batches.length > 0), { what: 'the event at both nodes' });
  for (const { batches, topics } of nodes) expect(batches.map((batch) => batch.topic).concat([...topics])).not.toContain(topic);

  await Promise.all(nodes.map((node) => node.stop()));
  const reborn = await startNode(topic, events);
  expect(reborn.commands.map((command) => command.kind === 'disconnect' && command.subject)).toEqual(
    nodes[0]?.commands.map((command) => command.kind === 'disconnect' && command.subject),
  );
  for (const command of reborn.commands) expect(command.kind === 'disconnect' && isRefused(reborn, command.subject ?? '')).toBe(true);
  await reborn.stop();
});

test('nothing falls between reading back and the tail, whoever is first', async () => {
  const topic = await kafka.makeTopic(1);
  const events = await kafka.makeTopic(1);
  const sender = await harness.openLog();
  const subjects: string[] = [];
  let isOver = false;
  const sending = (async () => {
    while (!isOver) {
      const command = disconnectOf(uniqueName('user'));
      await sender.append([{ topic, key: null, value: encodeCommand(command)[0] ?? '' }]);
      subjects.push(command.subject);
    }
  })();
  await waitFor(() => subjects.length > 50, { what: 'some commands' });
  const first = await startNode(topic, events);
  const late = new ControlNode(await harness.openLog(), systemEnvironment, { topic });
  await late.control.start();
  late.follow(events);
  await waitFor(() => late.isReady, { what: 'the tail to attach', timeoutMs: 30_000 });
  isOver = true;
  await sending;
  for (const node of [first, late]) {
    await waitFor(() => subjects.every((subject) => isRefused(node, subject)), { what: `all of ${subjects.length} commands` });
    expect(node.widened).toBe(0);
    await node.stop();
  }
}, 120_000);

test('records of strangers stop nobody, and a topic that is deleted is made again by the next sender', async () => {
  const topic = uniqueName('control');
  const events = await kafka.makeTopic(1);
  const node = await startNode(topic, events);
  await kafka.send(topic, [
    { value: null },
    { value: '{"v":1,"kind":"disconnect"}' },
    { value: Buffer.alloc(100_000, 0xff) },
    { value: '{"v":9,"kind":"x"}' },
  ]);
  const before = disconnectOf(uniqueName('before'));
  await node.control.sender.send(before);
  await waitFor(() => isRefused(node, before.subject), { what: 'the command behind them' });
  expect(Object.fromEntries(node.counts)).toMatchObject({ 'none invalid': 3, 'none unknown': 1 });

  await kafka.admin.deleteTopics({ topics: [topic] });
  const after = disconnectOf(uniqueName('after'));
  await node.control.sender.send(after);
  await waitFor(() => isRefused(node, after.subject), { what: 'the command in the new topic', timeoutMs: 30_000 });
  expect(isRefused(node, before.subject)).toBe(true);
  expect(node.isReady).toBe(true);
  const reborn = await startNode(topic, events);
  expect([isRefused(reborn, after.subject), isRefused(reborn, before.subject)]).toEqual([true, false]);
  await Promise.all([node.stop(), reborn.stop()]);
}, 120_000);
