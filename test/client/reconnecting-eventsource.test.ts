import { expect, test } from 'vitest';
import { uniqueName } from '../platform/unique-name.js';
import { waitFor } from '../platform/wait-for.js';
import { ClientNodes } from './client-nodes.js';
import { createReconnectingClient } from './drivers/reconnecting-eventsource-driver.js';
import { FailoverProxy } from './failover-proxy.js';
import { testClient } from './test-client.js';

testClient('reconnecting-eventsource', createReconnectingClient);

test("reconnecting-eventsource comes back after a balancer's 502: behind a position in the address it adds its own, newer one", async () => {
  const nodes = await ClientNodes.start();
  const proxy = await FailoverProxy.open(nodes.second.port);
  const channel = uniqueName('bad-gateway');
  const positions = await nodes.publish(...[0, 1, 2].map((data) => ({ channel, data })));
  const url = `${proxy.url}/v1/events?channel=${channel}&lastEventId=${positions[0]!}`;
  const stream = await createReconnectingClient().connect(url, { types: ['message', 'selvage.gap'] });
  try {
    await waitFor(() => stream.events.length >= 2, { what: 'the first events' });
    proxy.refuseOnce('502 Bad Gateway');
    await nodes.publish({ channel, data: 3 });
    await waitFor(() => stream.events.length >= 3, { what: 'an event after the return' });
    expect(stream.events.map(({ data }) => data)).toEqual(['1', '2', '3']);
    expect(stream.openedCount).toBe(2);
  } finally {
    await stream.close();
    await proxy.close();
    await nodes.close();
  }
});
