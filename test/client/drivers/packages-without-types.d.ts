// What the drivers use of packages that come without types; the shape is that of `EventSourceLike`.
declare module 'event-source-polyfill' {
  interface EventSource {
    readonly readyState: number;
    addEventListener(
      type: string,
      listener: (event: { readonly type: string; readonly data?: unknown; readonly lastEventId?: string }) => void,
    ): void;
    close(): void;
  }
  const polyfill: { readonly EventSourcePolyfill: new (url: string) => EventSource };
  export default polyfill;
}

declare module 'launchdarkly-eventsource' {
  interface EventSource {
    readonly readyState: number;
    addEventListener(
      type: string,
      listener: (event: { readonly type: string; readonly data?: unknown; readonly lastEventId?: string }) => void,
    ): void;
    close(): void;
  }
  const launchdarkly: { readonly EventSource: new (url: string) => EventSource };
  export default launchdarkly;
}
