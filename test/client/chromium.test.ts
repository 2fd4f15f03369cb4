import { expect, test } from 'vitest';
import { uniqueName } from '../platform/unique-name.js';
import { waitFor } from '../platform/wait-for.js';
import { ClientNodes } from './client-nodes.js';
import { ChromiumClient } from './drivers/chromium-driver.js';
import { testClient } from './test-client.js';

testClient('Chromium', () => ChromiumClient.start());

test('a page in Chromium goes on where it was after a reload and after going back to it, with lastEventId in the address', async () => {
  const client = await ChromiumClient.start();
  const nodes = await ClientNodes.start(client.origin);
  try {
    const channel = uniqueName('visited');
    const { page, stream, shown } = await client.open(`${nodes.second.url}/v1/events?channel=${channel}`);
    const numbers = (): number[] => stream.events.filter(({ type }) => type === 'message').map(({ data }) => Number(data));
    const expectNumbers = async (last: number): Promise<void> => {
      await waitFor(() => numbers().includes(last), { what: `event ${last}` });
      expect(numbers()).toEqual(Array.from({ length: last + 1 }, (_, i) => i));
    };
    await waitFor(() => stream.events.length > 0, { what: 'the first position' });
    await nodes.publish({ channel, data: 0 }, { channel, data: 1 });
    await expectNumbers(1);

    await page.reload();
    await nodes.publish({ channel, data: 2 });
    await expectNumbers(2);

    await page.goto('about:blank');
    await nodes.publish({ channel, data: 3 }, { channel, data: 4 });
    await page.goBack({ waitUntil: 'commit' });
    await nodes.publish({ channel, data: 5 });
    await expectNumbers(5);
    // The last time out of the back-forward cache, with the state of its scripts.
    expect(shown).toEqual([false, false, true]);
    expect(stream.events.filter(({ type }) => type === 'selvage.gap')).toEqual([]);
  } finally {
    await nodes.close();
    await client.close();
  }
});
