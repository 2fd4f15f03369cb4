import { setTimeout as sleep } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { writeConfigFile } from '../../platform/node-fixture.js';
import { SelvageNode } from '../../platform/selvage-node.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { jwtSecret, OpenStream, publish, tokenOf } from './open-stream.js';

/** What a page's `EventSource` does when the last event has come: it always comes back once, and 204 is the only word that stops it. */
const retryMs = 1_000;
let node: SelvageNode;
beforeAll(async () => {
  const task = {
    auth: 'none',
    permission: 'none',
    channels: 'task.{task_id}',
    state: 'latest',
    until: ['complete', 'error'],
    retrySeconds: 1,
  };
  node = await SelvageNode.start({
    env: {
      SELVAGE_JWT_SECRET: jwtSecret,
      SELVAGE_CONFIG: writeConfigFile({
        routes: [
          {
            topic: 'selvage.events',
            channels: ['{key|raw}'],
            keyed: 'murmur2',
            type: '{header:selvage-type|message}',
            publish: true,
            latest: { ttlSeconds: 3_600 },
          },
        ],
        streams: [
          { ...task, name: 'task', path: '/tasks/{task_id}' },
          { ...task, name: 'short', path: '/short/{task_id}', timeout: { seconds: 2, type: 'timeout', data: {} } },
        ],
      }),
    },
  });
}, 60_000);
afterAll(() => node.close());

const say = async (task: string, type: string): Promise<void> =>
  publish(node.url, await tokenOf('service'), `task.${task}`, type, { type });

/** A page: what it was answered, and what its listeners heard. */
interface Page {
  readonly statuses: number[];
  readonly heard: string[];
  isClosed(): boolean;
}
const names = ['progress', 'complete', 'error', 'timeout'];

function openPackage(path: string): Page {
  const statuses: number[] = [];
  const heard: string[] = [];
  const source = new EventSource(`${node.url}${path}`, {
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      statuses.push(response.status);
      return response;
    },
  });
  onTestFinished(() => source.close());
  // A failed connection is an `error` too, but no message.
  for (const name of names)
    source.addEventListener(name, (event: Event) => {
      if ('data' in event) heard.push(name);
    });
  return { statuses, heard, isClosed: () => source.readyState === EventSource.CLOSED };
}

/** The standard's own steps: reestablish after the time that the stream named, with the last id; fail on any status but 200. */
function openByTheStandard(path: string): Page {
  const statuses: number[] = [];
  const heard: string[] = [];
  let isClosed = false;
  const live = async (): Promise<void> => {
    let lastEventId: string | undefined;
    while (!isClosed) {
      const stream = await OpenStream.open(`${node.url}${path}`, lastEventId === undefined ? {} : { lastEventId });
      statuses.push(stream.status);
      onTestFinished(() => stream.close());
      if (stream.status !== 200) isClosed = true;
      if (isClosed) return;
      await waitFor(() => stream.isEnded, { what: 'the end of the stream', timeoutMs: 20_000 });
      heard.push(...stream.types);
      lastEventId = stream.lastId === '' ? lastEventId : stream.lastId;
      await sleep(retryMs);
    }
  };
  onTestFinished(() => {
    isClosed = true;
  });
  live().catch(() => undefined);
  return { statuses, heard, isClosed: () => isClosed };
}

const pages = [
  { kind: 'the package `eventsource`', openPage: openPackage },
  { kind: "the standard's own steps", openPage: openByTheStandard },
];

test.each(pages)('behind `complete` it is answered 204 and does not come back ($kind)', async ({ openPage }) => {
  const task = uniqueName('t');
  await say(task, 'progress');
  const page = openPage(`/tasks/${task}`);
  await waitFor(() => page.statuses.length === 1, { what: 'the stream' });
  // Both have the state before the end is said.
  const witness = await OpenStream.open(`${node.url}/tasks/${task}`);
  onTestFinished(() => witness.close());
  await witness.until(({ types }) => types.length === 1, 'the present state');
  await say(task, 'complete');
  await waitFor(() => page.isClosed(), { what: 'the end', timeoutMs: 20_000 });
  expect(page.statuses).toEqual([200, 204]);
  expect(page.heard).toEqual(['progress', 'complete']);
  // Three times as long as it would have waited before coming back again.
  await sleep(3 * retryMs);
  expect(page.statuses).toHaveLength(2);
});

test.each(pages)('whoever comes when all is over is told the end once, and 204 ($kind)', async ({ openPage }) => {
  const task = uniqueName('t');
  await say(task, 'progress');
  await say(task, 'error');
  const page = openPage(`/tasks/${task}`);
  await waitFor(() => page.isClosed(), { what: 'the end', timeoutMs: 20_000 });
  expect(page.statuses).toEqual([200, 204]);
  expect(page.heard).toEqual(['error']);
});

test.each(pages)('behind a time-out it does not come back either ($kind)', async ({ openPage }) => {
  const task = uniqueName('t');
  await say(task, 'progress');
  const page = openPage(`/short/${task}`);
  await waitFor(() => page.isClosed(), { what: 'the end', timeoutMs: 20_000 });
  expect(page.statuses).toEqual([200, 204]);
  expect(page.heard).toEqual(['progress', 'timeout']);
});
