import { Limits } from '../../../../src/admission/limits/limits.js';
import type { LimitOptions } from '../../../../src/admission/limits/limit-options.js';
import { noMetrics } from '../../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../../src/telemetry/silent-logger.js';
import type { LimitsNode, OpenLimits } from '../../../contract/limits-contract.js';
import { SimEnvironment, seededRandom } from '../../../simulation/sim-environment.js';

/** One node alone, whose time moves when told. */
export function openMemoryLimits(options: LimitOptions): OpenLimits & { readonly environment: SimEnvironment; readonly alone: LimitsNode } {
  const environment = new SimEnvironment(seededRandom(1));
  const evicted: LimitsNode['evicted'] = [];
  const limits = new Limits({
    options,
    shared: null,
    isOnlyNode: true,
    environment,
    logger: silentLogger,
    metrics: noMetrics,
    evict: (streamIds, code) => void evicted.push({ streamIds, code }),
  });
  const alone = { limits, evicted };
  return { environment, alone, node: () => Promise.resolve(alone), pass: (ms) => environment.advance(ms) };
}
