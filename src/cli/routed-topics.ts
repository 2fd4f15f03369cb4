import type { Config } from '../config/config.js';
import { createRouter } from '../routing/create-router.js';
import type { RoutedTopic } from '../routing/router.js';

const nothing = (): void => undefined;
const unobserved = { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing };

/** The topics of the routes, with generation and fingerprint, as a node of this configuration has them. */
export function routedTopicsOf({ routes, limits }: Config): readonly RoutedTopic[] {
  return createRouter(routes, unobserved, { eventBytesMax: limits.eventBytesMax }).topics;
}
