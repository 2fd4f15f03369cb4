import { createEventsourceClient } from './drivers/eventsource-driver.js';
import { testClient } from './test-client.js';

testClient('eventsource', createEventsourceClient);
