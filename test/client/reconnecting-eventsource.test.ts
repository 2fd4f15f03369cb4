import { createReconnectingClient } from './drivers/reconnecting-eventsource-driver.js';
import { testClient } from './test-client.js';

testClient('reconnecting-eventsource', createReconnectingClient);
