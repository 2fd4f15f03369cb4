import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { freePort } from './free-port.js';
import { brokerProperties } from './kafka-properties.js';
import type { BrokerListener, BrokerSeat } from './kafka-properties.js';
import { OwnedProcess } from './owned-process.js';
import { kafkaLibsPath } from './provisioned.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import { waitFor } from './wait-for.js';

const run = promisify(execFile);
const javaFlags = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
// After kill -9 with much data a broker was measured to need up to 15 s.
const readyMs = 60_000;
const stopMs = 15_000;

export interface KafkaClusterOptions {
  /** How many brokers, each a controller too; default 1. With 3, topics have 3 copies by default and one broker may be gone. */
  readonly brokers?: number;
  /** Broker properties on top of the defaults of `kafka-properties.ts`, e.g. `{'group.initial.rebalance.delay.ms': '3000'}`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Listeners beside the plain one, by name: their security protocol. What they need to know is in `properties`; where they are: `brokersOf`. */
  readonly listeners?: Readonly<Record<string, 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'>>;
  /** Listener → the port that its clients are told instead of its own: that of a proxy of the test's, which leads to `brokersOf`. One broker only. */
  readonly advertisedPorts?: Readonly<Record<string, number>>;
  /** Users there from the beginning, in the form of `--add-scram`: `SCRAM-SHA-256=[name=…,password=…]`. */
  readonly scramUsers?: readonly string[];
  /** Further flags of the broker's JVM. */
  readonly jvmFlags?: readonly string[];
}

interface Broker {
  readonly seat: BrokerSeat;
  readonly propertiesPath: string;
  process: OwnedProcess | undefined;
}

/** A real Kafka cluster of this test's own, which may be stopped, killed and paused. Brokers are numbered from 0. Always `close` it (also `await using`). */
export class KafkaCluster {
  /** `host:port,host:port` of all brokers, running or not. */
  readonly brokers: string;
  readonly #folder: string;
  readonly #brokers: readonly Broker[];
  readonly #jvmFlags: readonly string[];

  private constructor(folder: string, brokers: readonly Broker[], jvmFlags: readonly string[]) {
    this.#folder = folder;
    this.#jvmFlags = jvmFlags;
    this.#brokers = brokers;
    this.brokers = brokers.map((broker) => address(broker)).join(',');
  }

  /** Formats and starts a cluster; returns when every broker answers and groups can be joined (2.5-5.5 s for one broker). */
  static async start(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
    const folder = makeRunFolder('kafka');
    const brokers = await seatBrokers(folder, options);
    const clusterId = randomBytes(16).toString('base64url');
    const isStandalone = brokers.length === 1;
    await Promise.all(brokers.map((broker) => format(broker, clusterId, isStandalone, options.scramUsers ?? [])));
    const cluster = new KafkaCluster(folder, brokers, options.jvmFlags ?? []);
    try {
      for (const broker of brokers) cluster.#spawn(broker);
      await cluster.#waitUntilReady(brokers.length);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** `host:port,…` of one of the `listeners`. */
  brokersOf(listener: string): string {
    return this.#brokers.map(({ seat }) => `127.0.0.1:${String(seat.listeners?.[listener]?.port)}`).join(',');
  }

  /** SIGTERM, and waits for the end. */
  async stop(index = 0): Promise<void> {
    await this.#process(index).stop(stopMs);
  }

  /** SIGKILL, and waits for the end. */
  async kill(index = 0): Promise<void> {
    const owned = this.#process(index);
    owned.kill();
    await owned.ended;
  }

  /** SIGSTOP: connections stay open, nothing answers. */
  pause(index = 0): void {
    this.#process(index).signal('SIGSTOP');
  }

  resume(index = 0): void {
    this.#process(index).signal('SIGCONT');
  }

  /** Starts a stopped or killed broker again on the same port and data; returns when it answers. */
  async start(index = 0): Promise<void> {
    const broker = this.#at(index);
    if (broker.process?.isRunning) throw new Error(`broker ${String(index)} is running already`);
    this.#spawn(broker);
    const runningCount = this.#brokers.filter((other) => other.process?.isRunning).length;
    await this.#waitUntilReady(runningCount);
  }

  /** Kills every broker and removes the data; safe to call twice. */
  async close(): Promise<void> {
    for (const broker of this.#brokers) broker.process?.kill();
    for (const broker of this.#brokers) await broker.process?.ended;
    removeRunFolder(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #spawn(broker: Broker): void {
    const flags = ['-Xms64m', '-Xmx256m', ...javaFlags, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', ...this.#jvmFlags];
    const args = [...flags, '-cp', classPath(), 'kafka.Kafka', broker.propertiesPath];
    const name = `broker-${String(broker.seat.nodeId)}`;
    broker.process = new OwnedProcess({ file: 'java', args, folder: this.#folder, name });
  }

  async #waitUntilReady(brokerCount: number): Promise<void> {
    const running = this.#brokers.filter((broker) => broker.process?.isRunning);
    try {
      await waitFor(
        () => {
          const hasEnded = running.some((broker) => !broker.process?.isRunning);
          return hasEnded || answers(running.map(address), brokerCount);
        },
        { timeoutMs: readyMs, everyMs: 100, what: `${String(brokerCount)} Kafka broker(s) at ${this.brokers}` },
      );
      const ended = running.find((broker) => !broker.process?.isRunning);
      if (ended) throw new Error(`the Kafka broker at ${address(ended)} ended while starting`);
    } catch (error) {
      const logs = running.map((broker) => `--- ${String(broker.process?.logPath)}\n${String(broker.process?.logTail())}`);
      throw new Error(`${String(error)}\n${logs.join('\n')}`, { cause: error });
    }
  }

  #at(index: number): Broker {
    const broker = this.#brokers[index];
    if (!broker) throw new RangeError(`there is no broker ${String(index)}`);
    return broker;
  }

  #process(index: number): OwnedProcess {
    const owned = this.#at(index).process;
    if (!owned) throw new Error(`broker ${String(index)} was never started`);
    return owned;
  }
}

function address(broker: Broker): string {
  return `127.0.0.1:${String(broker.seat.port)}`;
}

function classPath(): string {
  return join(kafkaLibsPath(), '*');
}

async function seatBrokers(folder: string, options: KafkaClusterOptions): Promise<Broker[]> {
  const seats: BrokerSeat[] = [];
  for (let nodeId = 1; nodeId <= (options.brokers ?? 1); nodeId++) {
    const listeners: Record<string, BrokerListener> = {};
    for (const [name, protocol] of Object.entries(options.listeners ?? {})) {
      const advertisedPort = options.advertisedPorts?.[name];
      listeners[name] = { protocol, port: await freePort(), ...(advertisedPort === undefined ? {} : { advertisedPort }) };
    }
    seats.push({ nodeId, port: await freePort(), controllerPort: await freePort(), listeners });
  }
  return seats.map((seat) => {
    const dataPath = join(folder, `data-${String(seat.nodeId)}`);
    mkdirSync(dataPath);
    const propertiesPath = join(folder, `server-${String(seat.nodeId)}.properties`);
    writeFileSync(propertiesPath, brokerProperties(seat, seats, dataPath, options.properties ?? {}));
    return { seat, propertiesPath, process: undefined };
  });
}

async function format(broker: Broker, clusterId: string, isStandalone: boolean, scramUsers: readonly string[]): Promise<void> {
  const quorum = isStandalone ? ['--standalone'] : [];
  const args = ['-Xmx128m', ...javaFlags, '-cp', classPath(), 'kafka.tools.StorageTool', 'format', ...quorum];
  const users = scramUsers.flatMap((user) => ['--add-scram', user]);
  await run('java', [...args, `--cluster-id=${clusterId}`, '-c', broker.propertiesPath, ...users]);
}

/** Whether every broker of `addresses` knows that many brokers, and a group coordinator is there (its topic is made on the first question). */
async function answers(addresses: readonly string[], brokerCount: number): Promise<boolean> {
  for (const one of addresses) {
    const admin = new kafkajs.Kafka({
      clientId: 'readiness',
      brokers: [one],
      connectionTimeout: 1_000,
      requestTimeout: 5_000,
      retry: { retries: 0 },
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    try {
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      if (brokers.length < brokerCount) return false;
      await admin.fetchOffsets({ groupId: 'readiness' });
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
  return true;
}
