declare module 'event-source-polyfill' {
  import type { EventSourceLike } from './listen-by-name.js';
  const polyfill: { readonly EventSourcePolyfill: new (url: string) => EventSourceLike };
  export default polyfill;
}

declare module 'launchdarkly-eventsource' {
  import type { EventSourceLike } from './listen-by-name.js';
  const launchdarkly: { readonly EventSource: new (url: string) => EventSourceLike };
  export default launchdarkly;
}
