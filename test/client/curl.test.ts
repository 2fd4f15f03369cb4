import { createCurlClient } from './drivers/curl-driver.js';
import { testClient } from './test-client.js';

testClient('curl', createCurlClient);
