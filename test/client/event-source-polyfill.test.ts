import { createEventSourcePolyfillClient } from './drivers/event-source-polyfill-driver.js';
import { testClient } from './test-client.js';

testClient('event-source-polyfill', createEventSourcePolyfillClient);
