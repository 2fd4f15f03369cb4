import type { LogBatch } from '../log/event-log.js';
import type { LogRecord } from '../protocol/log-record.js';
import type { Logger } from '../telemetry/logger.js';
import { controlPartition } from './control-position.js';
import type { ControlPosition } from './control-position.js';

export interface ControlFeedParts {
  readonly position: ControlPosition;
  readonly take: (record: LogRecord) => void;
  /** The position changed in a way that may leave something to be read back. */
  readonly onChange: () => void;
  readonly logger: Logger;
}

/** What the node's one tail brings of the control topic. */
export class ControlFeed {
  readonly #parts: ControlFeedParts;

  constructor(parts: ControlFeedParts) {
    this.#parts = parts;
  }

  onPartitions(added: readonly { readonly partition: number; readonly next: number }[]): void {
    const { position, onChange } = this.#parts;
    const own = added.find(({ partition }) => partition === controlPartition);
    if (own === undefined) return;
    position.attached(own.next);
    onChange();
  }

  onBatch(batch: LogBatch): void {
    const { position, take, onChange, logger } = this.#parts;
    if (batch.partition !== controlPartition) return;
    const isWhole = position.delivered(batch.from, batch.to);
    for (const record of batch.records) take(record);
    if (isWhole) return;
    logger.warn('the tail lost a stretch of the control topic; it is read back', { from: batch.from });
    onChange();
  }

  onReset(partition: number, low: number): void {
    const { position, onChange, logger } = this.#parts;
    if (partition !== controlPartition) return;
    logger.warn('the control topic began anew; what was revoked before is kept here, but nodes that start now do not know it', { low });
    position.reset(low);
    onChange();
  }
}
