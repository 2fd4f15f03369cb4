/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

/** The first SIGTERM or SIGINT asks to stop, the second to stop at once. Returns how to stop listening. */
export function onStopSignals(source: SignalSource, stop: () => void, stopAtOnce: () => void): () => void {
  let count = 0;
  const listener = (): void => {
    count++;
    if (count === 1) stop();
    else stopAtOnce();
  };
  source.on('SIGTERM', listener);
  source.on('SIGINT', listener);
  return () => {
    source.off('SIGTERM', listener);
    source.off('SIGINT', listener);
  };
}
