import type { Environment } from '../std/clock.js';
import type { DeliveryTraces } from '../telemetry/delivery-traces.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { TierReader } from './tier-reader.js';

export interface HubOptions {
  /** A comment, or the moved position, after so much time. */
  readonly keepAliveMs: number;
  /** Streams end at a jittered 80 to 100 % of this; 0: never. */
  readonly maxAgeMs: number;
  /** Base of the reconnection time; jittered by a quarter either way per connection. */
  readonly retryMs: number;
  /** A reader whose socket takes nothing for so long is closed. */
  readonly stallMs: number;
  /** Events taken from `recent` at a time. */
  readonly pageEventsMax: number;
  /** Bytes after which gathered frames are written. */
  readonly chunkBytesMax: number;
  /** How far producers' clocks may be behind, for positions by time. */
  readonly timeSlackMs: number;
}

/** What the parts of the hub share. */
export interface HubContext {
  readonly options: HubOptions;
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly tiers: TierReader;
  /** Null: nothing is traced. */
  readonly deliveries: DeliveryTraces | null;
}
