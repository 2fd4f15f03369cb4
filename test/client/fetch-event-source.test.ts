import { createFetchEventSourceClient } from './drivers/fetch-event-source-driver.js';
import { testClient } from './test-client.js';

testClient('fetch-event-source', createFetchEventSourceClient);
