import { setTimeout as sleep } from 'node:timers/promises';
import { Limits } from '../../../../src/admission/limits/limits.js';
import type { LimitOptions } from '../../../../src/admission/limits/limit-options.js';
import { RedisLeases } from '../../../../src/admission/redis/redis-leases.js';
import { RedisConnection } from '../../../../src/redis/redis-connection.js';
import { parseRedisUrl } from '../../../../src/redis/redis-connection-options.js';
import type { RedisConnectionOptions } from '../../../../src/redis/redis-connection-options.js';
import { systemEnvironment } from '../../../../src/std/system-environment.js';
import type { Environment, Timer } from '../../../../src/std/clock.js';
import type { Logger } from '../../../../src/telemetry/logger.js';
import { noMetrics } from '../../../../src/telemetry/no-metrics.js';
import type { Metrics } from '../../../../src/telemetry/metrics.js';
import type { LimitsNode, OpenLimitsWith } from '../../../contract/limits-contract.js';
import { uniqueName } from '../../../platform/unique-name.js';
import { waitFor } from '../../../platform/wait-for.js';

export interface RedisLimitsNode extends LimitsNode {
  readonly leases: RedisLeases;
  readonly redis: RedisConnection;
  readonly lines: string[];
  /** As kill -9: nothing more is said to anybody, and nothing given back. */
  die(): void;
  /** What the process's own metrics were told. */
  readonly told: { shared: boolean | null; readonly outcomes: string[] };
}

/** An environment whose timers can be stopped for good, as those of a killed process. */
class MortalEnvironment implements Environment {
  readonly clock = systemEnvironment.clock;
  readonly random = systemEnvironment.random;
  readonly #timers = new Set<Timer>();
  readonly timers = {
    after: (delayMs: number, callback: () => void): Timer => this.#keep(systemEnvironment.timers.after(delayMs, callback)),
    every: (periodMs: number, callback: () => void): Timer => this.#keep(systemEnvironment.timers.every(periodMs, callback)),
    soon: systemEnvironment.timers.soon,
  };

  die(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  #keep(timer: Timer): Timer {
    this.#timers.add(timer);
    return timer;
  }
}

/** Nodes on one Redis or Cluster, each with a connection of its own. */
export class RedisLimits {
  readonly #where: RedisConnectionOptions;
  readonly #nodes: RedisLimitsNode[] = [];

  constructor(url: string) {
    this.#where = { ...parseRedisUrl(url), commandTimeoutMs: 1_000, reconnectDelayMaxMs: 100 };
  }

  async node(options: LimitOptions & { readonly leaseTtlMs?: number }, prefix: string): Promise<RedisLimitsNode> {
    const environment = new MortalEnvironment();
    const lines: string[] = [];
    const say = (message: string): void => void lines.push(message);
    const logger: Logger = { debug: say, info: say, warn: say, error: say };
    const told: RedisLimitsNode['told'] = { shared: null, outcomes: [] };
    const metrics: Metrics = {
      ...noMetrics,
      limitsShared: (isShared) => (told.shared = isShared),
      streamAdmitted: (outcome) => void told.outcomes.push(outcome),
    };
    const redis = new RedisConnection(this.#where, logger, environment);
    const leases = new RedisLeases({ ...options, prefix }, { redis, environment, logger, metrics });
    const evicted: LimitsNode['evicted'] = [];
    const evict = (streamIds: readonly string[], code: string): void => void evicted.push({ streamIds, code });
    const limits = new Limits({ options, shared: leases, isOnlyNode: false, environment, logger, metrics, evict });
    const die = (): void => {
      environment.die();
      void redis.close();
    };
    const node = { limits, leases, redis, evicted, lines, die, told };
    this.#nodes.push(node);
    await waitFor(() => leases.isUsable, { what: 'limits over all nodes' });
    return node;
  }

  readonly open: OpenLimitsWith = (options) => {
    const prefix = uniqueName('limits-test');
    return Promise.resolve({ node: () => this.node(options, prefix), pass: (ms: number) => sleep(ms) });
  };

  async close(): Promise<void> {
    for (const { limits, redis } of this.#nodes) {
      await limits.stop();
      await redis.close();
    }
  }
}
