import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface EventLoopMonitorOptions {
  /** How often lateness is measured. Default 500. */
  readonly periodMs?: number;
  /** Lateness that is worth a line in the log. Default 250. */
  readonly warnMs?: number;
}

/**
 * Measures how late a timer runs. Liveness needs no more than that the loop answers at all, which the admin port shows by answering; this
 * tells how well.
 */
export function startEventLoopMonitor(
  environment: Environment,
  metrics: Metrics,
  logger: Logger,
  options: EventLoopMonitorOptions = {},
): { stop(): void } {
  const periodMs = options.periodMs ?? 500;
  const warnMs = options.warnMs ?? 250;
  let expectedAtMs = environment.clock.tickMs() + periodMs;
  const timer = environment.timers.every(periodMs, () => {
    const nowMs = environment.clock.tickMs();
    const lagMs = Math.max(0, nowMs - expectedAtMs);
    expectedAtMs = nowMs + periodMs;
    metrics.eventLoopLag(lagMs / 1_000);
    if (lagMs >= warnMs) logger.warn('the event loop was held up', { lagMs: Math.round(lagMs) });
  });
  return { stop: () => timer.cancel() };
}
