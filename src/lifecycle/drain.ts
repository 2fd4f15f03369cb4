import type { Timers } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';

/** The streams of a node, as the drain sees them. */
export interface Drainable {
  /** Streams that are still open. */
  readonly openCount: number;
  /** Accepts no more connections. */
  stopAccepting(): void;
  /** Asks the oldest `count` streams to end with a `selvage.close`; returns how many. */
  closeSome(count: number): number;
}

export interface DrainOptions {
  /** How long the balancer may take to notice that the node is not ready. Default 5000. */
  readonly balancerWaitMs: number;
  /** Streams are closed evenly over this time. Default 20000. */
  readonly windowMs: number;
}

/** For the orchestrator: how long a node needs from SIGTERM to its end, with 5 s to spare. */
export function graceMsOf(options: DrainOptions): number {
  return options.balancerWaitMs + options.windowMs + 5_000;
}

/** How often some streams are closed during the window. */
const paceMs = 100;

export interface DrainParts {
  readonly drainables: readonly Drainable[];
  readonly options: DrainOptions;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Called first, at once: makes the node not ready. */
  markDraining(): void;
}

/**
 * Empties a node: not ready → wait for the balancer → stop accepting → close the streams evenly over the window. Even, because readers come
 * back to the other nodes at the pace at which they are sent away. Resolves when no stream is left or the window is over; ends at once when
 * `hurry` aborts. Never rejects.
 */
export async function drain(parts: DrainParts, hurry: AbortSignal): Promise<void> {
  const { drainables, options, timers, logger } = parts;
  parts.markDraining();
  logger.info('draining: not ready', { balancerWaitMs: options.balancerWaitMs });
  await wait(timers, options.balancerWaitMs, hurry);
  for (const drainable of drainables) drainable.stopAccepting();
  const steps = Math.max(1, Math.ceil(options.windowMs / paceMs));
  logger.info('draining: closing streams', { streams: totalOf(drainables), windowMs: options.windowMs });
  for (let step = 0; step < steps && !hurry.aborted && totalOf(drainables) > 0; step++) {
    for (const drainable of drainables) drainable.closeSome(Math.ceil(drainable.openCount / (steps - step)));
    if (totalOf(drainables) > 0) await wait(timers, paceMs, hurry);
  }
  logger.info('drained', { streamsLeft: totalOf(drainables) });
}

function totalOf(drainables: readonly Drainable[]): number {
  return drainables.reduce((sum, { openCount }) => sum + openCount, 0);
}

function wait(timers: Timers, delayMs: number, hurry: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (hurry.aborted || delayMs <= 0) return resolve();
    const finish = (): void => {
      timer.cancel();
      hurry.removeEventListener('abort', finish);
      resolve();
    };
    const timer = timers.after(delayMs, finish);
    hurry.addEventListener('abort', finish);
  });
}
