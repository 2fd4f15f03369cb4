import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { metricOf, poll, publish, usageOf } from './edge-client.js';
import { edgeEnv, tokenOf } from './edge-nodes.js';
import { Tab } from './tab.js';

const limit = 5;
const upTo = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => String(n));

async function everywhere(node: SelvageNode, subject: string): Promise<number | undefined> {
  const { openStreams } = await usageOf(node);
  return openStreams.users.find((use) => use.subject === subject)?.everywhere;
}

/** Publishes the numbers from `from` to before `to` on a node. */
async function publishNumbers(node: SelvageNode, token: string, channel: string, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await publish(node, token, channel, n);
}

describe('nodes that go while a user is at the limit', () => {
  const env = edgeEnv({ env: { SELVAGE_LIMITS_OVERLAP_SECONDS: '16' } });
  let a: SelvageNode;
  let b: SelvageNode;
  beforeAll(async () => {
    [a, b] = await Promise.all([SelvageNode.start({ env }), SelvageNode.start({ env })]);
  });
  afterAll(() => Promise.all([a, b].map((node) => node.close())));

  async function openTabs(channel: string, token: string, nodesOf: (i: number) => readonly SelvageNode[]): Promise<Tab[]> {
    const tabs = Array.from({ length: limit }, (_, i) => new Tab(nodesOf(i), channel, token));
    await waitFor(() => tabs.every(({ isIn }) => isIn), { what: 'all tabs' });
    return tabs;
  }

  async function expectAll(tabs: readonly Tab[], count: number, closes: readonly string[]): Promise<void> {
    await waitFor(() => tabs.every(({ all }) => all.length >= count), { what: `${count} events for every tab` });
    for (const tab of tabs) {
      expect(tab.all).toEqual(upTo(count));
      expect(tab.gaps).toBe(0);
      for (const code of tab.closes) expect(closes).toContain(code);
    }
  }

  test('a rolling restart keeps all five tabs: nobody is told that there are too many, and nothing is missed', async () => {
    const channel = uniqueName('rolling');
    const subject = uniqueName('alice');
    const token = await tokenOf(subject);
    const tabs = await openTabs(channel, token, (i) => (i % 2 === 0 ? [a, b] : [b, a]));
    await publishNumbers(a, token, channel, 0, 5);
    for (const [leaving, staying, from] of [
      [a, b, 5],
      [b, a, 15],
    ] as const) {
      await Promise.all([leaving.stop(), publishNumbers(staying, token, channel, from, from + 5)]);
      await waitFor(() => tabs.every(({ isIn }) => isIn), { what: 'all tabs on the node that stays' });
      await Promise.all([leaving.start(), publishNumbers(staying, token, channel, from + 5, from + 10)]);
    }
    await expectAll(tabs, 25, ['draining']);
    expect(await everywhere(a, subject)).toBe(limit);
    for (const tab of tabs) tab.close();
  });

  test('when a node is killed its leases lapse; whoever comes back is let in meanwhile, stays, and is never locked out', async () => {
    const channel = uniqueName('killed');
    const subject = uniqueName('alice');
    const token = await tokenOf(subject);
    const tabs = await openTabs(channel, token, () => [a, b]);
    await publishNumbers(b, token, channel, 0, 5);
    const overlaps = (): Promise<number> => metricOf(b, 'selvage_stream_admissions_total', 'outcome="overlap"');
    const overlapsBefore = await overlaps();
    const killedMs = performance.now();
    await a.kill();
    // A tab may not have noticed yet that its node is gone: it is counted when the other has let it in.
    const areBack = async (): Promise<boolean> => (await overlaps()) >= overlapsBefore + limit && tabs.every(({ isIn }) => isIn);
    await waitFor(areBack, { what: 'all tabs on the other node' });
    console.log(`all five are back ${Math.round(performance.now() - killedMs)} ms after the kill`);
    expect((await overlaps()) - overlapsBefore).toBe(limit);
    // What is new has to wait while the dead ones still count.
    expect((await poll(b, [channel], token)).body).toMatchObject({ code: 'too-many-streams', present: 2 * limit });
    await publishNumbers(b, token, channel, 5, 10);
    await waitFor(async () => (await poll(b, [channel], token)).body.present === limit, {
      timeoutMs: 25_000,
      what: 'the lapse',
      everyMs: 250,
    });
    console.log(`the dead node's leases lapsed after ${Math.round(performance.now() - killedMs)} ms`);
    const judged = (): Promise<number> => metricOf(b, 'selvage_overlaps_judged_total', 'outcome="kept"');
    await waitFor(async () => (await judged()) === limit, { timeoutMs: 10_000, what: 'the verdicts', everyMs: 250 });
    await publishNumbers(b, token, channel, 10, 15);
    await expectAll(tabs, 15, []);
    expect(tabs.map(({ streams }) => streams)).toEqual(Array(limit).fill(2));
    tabs[0]?.close();
    await waitFor(async () => (await poll(b, [channel], token)).status === 200, { what: 'the place of the one that closed' });
    for (const tab of tabs) tab.close();
  });
});
