import type { LogRecord } from '../protocol/log-record.js';
import type { Clock } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { decodeCommand } from './control-codec.js';
import type { ControlCommand, DisconnectCommand, EvictCommand, RenewCommand } from './control-command.js';

/** Where revocations are kept; a command may come twice. */
export interface Revocations {
  add(command: DisconnectCommand): void;
  /** What was revoked by `atMs` is not known: every token issued by then is refused until `untilMs`. */
  refuseAllIssuedBy(atMs: number, untilMs: number): void;
  /** Lets go of what has lapsed. */
  expire(): void;
}

/** The streams of this node; a command may come twice, and late. */
export interface CommandedStreams {
  disconnect(command: DisconnectCommand): void;
  /** False: not here, or it does not fit. */
  renew(command: RenewCommand): boolean;
  evict(command: EvictCommand): void;
}

export interface CommandIntakeParts {
  readonly revocations: Revocations;
  readonly streams: CommandedStreams;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Applies what the control topic's records say. What is not ours is counted, and else ignored: whoever writes it must not stop the others' commands. */
export class CommandIntake {
  readonly #parts: CommandIntakeParts;

  constructor(parts: CommandIntakeParts) {
    this.#parts = parts;
  }

  /** `isLive`: it comes as it was sent, so that its time says how long it took. */
  take(record: LogRecord, isLive: boolean): void {
    const { metrics, logger, clock } = this.#parts;
    const command = decodeCommand(record);
    if (typeof command === 'string') {
      // Once: a node that starts reads it back, hours after it was told, and nobody is to be called for it again.
      if (isLive) metrics.controlCommand('none', command);
      logger.debug('a record of the control topic is not a command', { offset: record.offset, why: command });
      return;
    }
    try {
      this.#apply(command);
      metrics.controlCommand(command.kind, 'applied');
    } catch (error) {
      metrics.controlCommand(command.kind, 'failed');
      logger.error('a control command failed', { kind: command.kind, offset: record.offset, error });
    }
    if (isLive) metrics.controlArrived(Math.max(0, clock.nowMs() - record.timestampMs) / 1_000);
  }

  #apply(command: ControlCommand): void {
    const { revocations, streams } = this.#parts;
    switch (command.kind) {
      case 'disconnect':
        // First refused, then ended: nobody slips in between.
        revocations.add(command);
        return streams.disconnect(command);
      case 'renew':
        return void streams.renew(command);
      case 'evict':
        return streams.evict(command);
    }
  }
}
