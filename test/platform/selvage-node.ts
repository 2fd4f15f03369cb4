import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { freePort } from './free-port.js';
import { OwnedProcess } from './owned-process.js';
import { makeRunFolder, removeRunFolder, repositoryPath } from './run-folder.js';
import { waitFor } from './wait-for.js';

const readyMs = 30_000;
const stopMs = 60_000;

export interface SelvageNodeOptions {
  /** Settings of the node. Nothing else of our own environment reaches it but PATH and HOME; PORT and ADMIN_PORT are free ports unless given. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments after `dist/main.js`. */
  readonly args?: readonly string[];
  /** Whether `start` waits for `/healthz/ready`; default true. */
  readonly waitsUntilReady?: boolean;
  /** Another build's `dist/main.js`; default: this one's. */
  readonly mainPath?: string;
  /** Whether everybody may read and publish unless `env` says otherwise; default true. Builds without identity know no such option. */
  readonly isOpen?: boolean;
}

/**
 * One process of the program, `node dist/main.js`, as a deployment runs it (build first: `npm run build`). When the test that started it fails, the end of its
 * log is printed. Always `close` it (also `await using`).
 */
/** A node on Kafka is closed to everybody without a token; tests of who may do what say otherwise (empty: not set). */
const everythingOpen = { SELVAGE_AUTH_ANONYMOUS_READ: '**', SELVAGE_AUTH_ANONYMOUS_PUBLISH: '**' };

export class SelvageNode {
  readonly port: number;
  readonly adminPort: number;
  /** `http://127.0.0.1:port`, no slash at the end. */
  readonly url: string;
  readonly adminUrl: string;
  readonly #folder: string;
  readonly #options: SelvageNodeOptions;
  #process: OwnedProcess | undefined;
  #lastWords = '';

  private constructor(port: number, adminPort: number, options: SelvageNodeOptions) {
    this.port = port;
    this.adminPort = adminPort;
    this.url = `http://127.0.0.1:${String(port)}`;
    this.adminUrl = `http://127.0.0.1:${String(adminPort)}`;
    this.#folder = makeRunFolder('node');
    this.#options = options;
  }

  /** Starts a node; returns when it is ready, and throws with the end of its log when it ends or is not ready within 30 s. */
  static async start(options: SelvageNodeOptions = {}): Promise<SelvageNode> {
    const port = Number(options.env?.['PORT'] ?? (await freePort()));
    let adminPort = Number(options.env?.['ADMIN_PORT'] ?? (await freePort()));
    while (adminPort === port) adminPort = await freePort();
    const node = new SelvageNode(port, adminPort, options);
    printWhenTestFails(() => node.logTail());
    try {
      await node.start();
    } catch (error) {
      await node.close();
      throw error;
    }
    return node;
  }

  /** Starts it again after `kill` or `stop`, on the same ports. */
  async start(): Promise<void> {
    if (this.#process?.isRunning) throw new Error('the node is running already');
    const started = new OwnedProcess({
      file: process.execPath,
      args: [this.#options.mainPath ?? join(repositoryPath, 'dist', 'main.js'), ...(this.#options.args ?? [])],
      cwd: repositoryPath,
      folder: this.#folder,
      name: 'selvage',
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        PORT: String(this.port),
        ADMIN_PORT: String(this.adminPort),
        ...(this.#options.isOpen === false ? {} : everythingOpen),
        ...this.#options.env,
      },
    });
    this.#process = started;
    if (this.#options.waitsUntilReady === false) return;
    try {
      await waitFor(async () => !started.isRunning || (await this.isReady()), {
        timeoutMs: readyMs,
        what: `readiness at ${this.adminUrl}`,
      });
      if (!started.isRunning) throw new Error(`the node ended with ${String(await started.ended)} while starting`);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.logTail()}`, { cause: error });
    }
  }

  /** Asks `/healthz/ready` now; false too when nothing answers within a second. */
  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.adminUrl}/healthz/ready`, { signal: AbortSignal.timeout(1_000) });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning ?? false;
  }

  /** SIGTERM, and waits for the end of its drain (SIGKILL after 60 s); the exit code, null when a signal ended it. */
  async stop(): Promise<number | null> {
    await this.#process?.stop(stopMs);
    return (await this.#process?.ended) ?? null;
  }

  /** SIGKILL, and waits for the end. */
  async kill(): Promise<void> {
    this.#process?.kill();
    await this.#process?.ended;
  }

  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  /** Any other signal, e.g. SIGHUP. */
  signal(name: NodeJS.Signals): void {
    this.#process?.signal(name);
  }

  /** When the process ends: its exit code, or null after a signal. */
  async ended(): Promise<number | null> {
    return (await this.#process?.ended) ?? null;
  }

  /** The last lines of what it wrote to stdout and stderr; also after `close`. */
  logTail(lines = 60): string {
    return this.#lastWords || (this.#process?.logTail(lines) ?? '');
  }

  /** Kills it and removes its files; safe to call twice. */
  async close(): Promise<void> {
    await this.kill();
    this.#lastWords = this.logTail();
    removeRunFolder(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function printWhenTestFails(tail: () => string): void {
  try {
    onTestFailed(() => void process.stderr.write(`--- end of the node's log\n${tail()}\n---\n`));
  } catch {
    // started by a hook or a script: there is no test to watch
  }
}
