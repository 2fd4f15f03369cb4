import { EventSource } from 'eventsource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { startNode } from '../../platform/node-fixture.js';
import type { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';

let kafka: KafkaFixture;
let nodes: readonly [SelvageNode, SelvageNode];
beforeAll(async () => {
  const { brokers } = sharedKafka();
  kafka = await KafkaFixture.connect(brokers);
  const [keyed, wide] = [await kafka.makeTopic(4), await kafka.makeTopic(4)];
  const routes = [
    { topic: keyed, channels: 'keyed.{key}', keyed: 'murmur2', publish: true },
    { topic: wide, channels: ['wide'], publish: true },
  ];
  const env = { SELVAGE_GROUP: uniqueName('snapshot') };
  const start = (): Promise<SelvageNode> => startNode({ brokers, redisUrl: sharedRedis().url, routes, env });
  nodes = [await start(), await start()];
});
afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await kafka?.close();
});

/** Publishes numbers one after the other, without a pause, until told to stop; how many. */
function publishOn({ url }: SelvageNode, channel: string) {
  let isOver = false;
  let n = 0;
  const run = async (): Promise<number> => {
    for (; !isOver; n++) {
      // One key: the order of a channel over several partitions is nobody's promise.
      const body = JSON.stringify({ channel, data: n, ...(channel === 'wide' ? { key: 'one' } : {}) });
      const answer = await fetch(`${url}/v1/publish`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      expect(answer.status).toBe(200);
    }
    return n;
  };
  const running = run();
  return {
    /** Resolves when so many have been published. */
    reaches: (count: number) => waitFor(() => n >= count, { what: `${count} events`, everyMs: 1 }),
    stop: (): Promise<number> => {
      isOver = true;
      return running;
    },
  };
}

interface Snapshot {
  readonly events: readonly { readonly data: number }[];
  readonly position: string;
  readonly gap?: unknown;
}

test.each(['keyed.page', 'wide'])(
  'pages that one node renders go on at another while events of %s are written all the time: none is missing, none comes twice',
  async (channel) => {
    const [one, other] = nodes;
    const writer = publishOn(one, channel);
    const pages: { shown: number[]; source: EventSource; isWhole: boolean }[] = [];
    for (let visit = 0; visit < 12; visit++) {
      const [renderer, streamer] = visit % 2 === 0 ? [one, other] : [other, one];
      const answer = await fetch(`${renderer.url}/v1/events?channel=${channel}&format=json&wait=0&since=1h`);
      const { events, position, gap } = (await answer.json()) as Snapshot;
      const page = { shown: events.map(({ data }) => data), isWhole: gap === undefined };
      // Between the rendering and the browser's first request.
      await writer.reaches(events.length + 3);
      const source = new EventSource(`${streamer.url}/v1/events?channel=${channel}&lastEventId=${position}&since=1h`);
      source.addEventListener('message', ({ data }) => page.shown.push(Number(data)));
      source.addEventListener('selvage.gap', () => (page.isWhole = false));
      pages.push(Object.assign(page, { source }));
    }
    const count = await writer.stop();
    const all = Array.from({ length: count }, (_, n) => n);
    try {
      for (const [visit, page] of pages.entries()) {
        await waitFor(() => page.shown.at(-1) === count - 1, { what: `the last of ${count} events on page ${visit}` });
        expect(page.shown).toEqual(all);
        expect(page.isWhole).toBe(true);
      }
    } finally {
      for (const { source } of pages) source.close();
    }
  },
);
