import { createLaunchdarklyClient } from './drivers/launchdarkly-eventsource-driver.js';
import { testClient } from './test-client.js';

testClient('launchdarkly-eventsource', createLaunchdarklyClient);
