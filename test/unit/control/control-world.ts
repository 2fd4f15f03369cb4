import { RevocationList } from '../../../src/admission/revocation/revocation-list.js';
import { Control } from '../../../src/control/control.js';
import type { ControlCommand } from '../../../src/control/control-command.js';
import type { EventLog, LogBatch, Tail, TailHealth, TailListener } from '../../../src/log/event-log.js';
import type { Environment } from '../../../src/std/clock.js';
import { noMetrics } from '../../../src/telemetry/no-metrics.js';
import { silentLogger } from '../../../src/telemetry/silent-logger.js';

export const lifetimeMs = 3_600_000;

/** A node as far as control is concerned: what it was told, and what reached the listener of events. */
export class ControlNode {
  readonly control: Control<RevocationList>;
  readonly commands: ControlCommand[] = [];
  readonly states: string[] = [];
  readonly batches: LogBatch[] = [];
  readonly topics = new Set<string>();
  readonly counts = new Map<string, number>();
  health: TailHealth | null = null;
  isReady = false;
  widened = 0;
  #tail: Tail | null = null;
  readonly #log: EventLog;

  constructor(log: EventLog, environment: Environment, options: { topic: string; readBackRecordsMax?: number; entriesMax?: number }) {
    this.#log = log;
    const metrics = {
      ...noMetrics,
      revocationsWidened: () => {
        this.widened++;
      },
      controlCommand: (kind: string, outcome: string) => {
        const key = `${kind} ${outcome}`;
        this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
      },
    };
    const { topic, readBackRecordsMax = 10_000, entriesMax = 1_000 } = options;
    const revocations = new RevocationList({ entriesMax, tokenLifetimeMs: lifetimeMs }, environment.clock, metrics);
    const note = (command: ControlCommand): number => this.commands.push(command);
    this.control = new Control({
      options: { topic, tokenLifetimeMs: lifetimeMs, readBackRecordsMax },
      log,
      revocations,
      streams: { disconnect: note, evict: note, renew: (command) => note(command) > 0 },
      onState: (isMet, reason) => {
        this.isReady = isMet;
        this.states.push(reason);
      },
      environment,
      metrics,
      logger: silentLogger,
    });
  }

  /** Follows the control topic and another one, as a node does. */
  follow(topic: string): void {
    const inner: TailListener = {
      onPartitions: (name) => void this.topics.add(name),
      onPartitionCountConfirmed: (name) => void this.topics.add(name),
      onBatch: (batch) => void this.batches.push(batch),
      onReset: (name) => void this.topics.add(name),
      onHealth: (health) => void (this.health = health),
    };
    this.#tail = this.#log.tail([topic, this.control.topic], this.control.listener(inner));
  }

  async stop(): Promise<void> {
    this.control.stop();
    await this.#tail?.stop();
  }
}

export const disconnectOf = (subject: string, atMs: number): ControlCommand => ({
  kind: 'disconnect',
  subject,
  atMs,
  untilMs: atMs + lifetimeMs,
});
