import { createEventsourceClientClient } from './drivers/eventsource-client-driver.js';
import { testClient } from './test-client.js';

testClient('eventsource-client', createEventsourceClientClient);
