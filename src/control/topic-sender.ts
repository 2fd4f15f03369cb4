import { LogError } from '../log/event-log.js';
import type { EventLog } from '../log/event-log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { encodeCommand } from './control-codec.js';
import type { ControlCommand, ControlSender } from './control-command.js';
import { controlPartition } from './control-position.js';

/** Sends through the control topic. Resolved: the command is in the log, and every node gets it or reads it back. */
export class TopicSender implements ControlSender {
  readonly #topic: string;
  readonly #log: Pick<EventLog, 'append' | 'ensureTopic'>;
  readonly #metrics: Pick<Metrics, 'controlCommand'>;

  constructor(topic: string, log: Pick<EventLog, 'append' | 'ensureTopic'>, metrics: Pick<Metrics, 'controlCommand'>) {
    this.#topic = topic;
    this.#log = log;
    this.#metrics = metrics;
  }

  async send(command: ControlCommand): Promise<void> {
    try {
      await this.#append(encode(command));
      this.#metrics.controlCommand(command.kind, 'sent');
    } catch (error) {
      this.#metrics.controlCommand(command.kind, 'failed');
      throw error;
    }
  }

  async #append(values: readonly string[]): Promise<void> {
    // The partition is named: one order for all commands, whatever the topic was made with.
    const records = values.map((value) => ({ topic: this.#topic, key: null, value, partition: controlPartition }));
    try {
      await this.#log.append(records);
    } catch (error) {
      if (!(error instanceof LogError) || error.retriable) throw error;
      // It may have been deleted while we ran.
      if (!(await this.#log.ensureTopic(this.#topic, 1))) throw error;
      await this.#log.append(records);
    }
  }
}

function encode(command: ControlCommand): readonly string[] {
  try {
    return encodeCommand(command);
  } catch (error) {
    throw new LogError(`could not send a control command: ${error instanceof Error ? error.message : String(error)}`, false, {
      cause: error,
    });
  }
}
