import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { ReadBounds } from './memory-partition.js';
import type { MemoryBroker } from './memory-broker.js';

/** What the parts of one memory log share. */
export interface MemoryNode {
  readonly broker: MemoryBroker;
  readonly environment: Environment;
  readonly logger: Logger | null;
  readonly readBounds: ReadBounds;
  readonly metadataRefreshMs: number;
  /** False while the node is cut off from the broker. */
  isReachable(): boolean;
  /** Calls back whenever reachability changes, until the returned function is called. */
  watchReachable(callback: () => void): () => void;
}
