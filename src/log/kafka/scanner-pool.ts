import type { Timer } from '../../std/clock.js';
import { LogError } from '../event-log.js';
import { KafkaScanner } from './kafka-scanner.js';
import type { ScanJob } from './kafka-scanner.js';
import type { KafkaLogContext } from './kafka-log-context.js';

export interface ScannerPoolOptions {
  /** Consumers for scans at most; so many scans of one partition are served at once. Default 3. */
  readonly scannersMax?: number;
  /** Scans that may wait for a scanner. Default 256. */
  readonly waitingMax?: number;
  /** A pool without work for this long leaves its groups. Default 60,000. */
  readonly idleMs?: number;
}

interface Waiting {
  readonly job: ScanJob;
  readonly take: (scanner: KafkaScanner) => void;
}

/** The scanners of one log: started when needed, stopped when idle. A scan of a partition that every scanner is reading waits its turn. */
export class ScannerPool {
  private readonly context: KafkaLogContext;
  private readonly options: Required<ScannerPoolOptions>;
  private readonly scanners: KafkaScanner[] = [];
  private readonly queue: Waiting[] = [];
  private idleTimer: Timer | null = null;
  private isClosed = false;

  constructor(context: KafkaLogContext, options: ScannerPoolOptions) {
    this.context = context;
    this.options = { scannersMax: options.scannersMax ?? 3, waitingMax: options.waitingMax ?? 256, idleMs: options.idleMs ?? 60_000 };
  }

  /** Resolves to the scanner that serves the job from now on. Rejects when the pool is closed, too many wait, or `signal` aborts. */
  acquire(job: ScanJob, signal: AbortSignal): Promise<KafkaScanner> {
    if (this.isClosed) return Promise.reject(new LogError('could not scan: the log is closed', false));
    const scanner = this.freeFor(job);
    if (scanner !== null) {
      scanner.add(job);
      return Promise.resolve(scanner);
    }
    if (this.queue.length >= this.options.waitingMax)
      return Promise.reject(new LogError('could not scan: too many scans are waiting', true));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.queue.splice(this.queue.indexOf(waiting), 1);
        reject(new LogError('the scan was aborted', false, { cause: signal.reason }));
      };
      const waiting: Waiting = {
        job,
        take: (taken) => {
          signal.removeEventListener('abort', onAbort);
          taken.add(job);
          resolve(taken);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.queue.push(waiting);
    });
  }

  release(scanner: KafkaScanner, job: ScanJob): void {
    scanner.remove(job);
    for (const waiting of [...this.queue]) {
      const free = this.freeFor(waiting.job);
      if (free === null) continue;
      this.queue.splice(this.queue.indexOf(waiting), 1);
      waiting.take(free);
    }
    if (this.scanners.every((one) => one.load === 0)) this.stopWhenIdle();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.idleTimer?.cancel();
    await Promise.all(this.scanners.splice(0).map((scanner) => scanner.stop()));
  }

  private freeFor(job: ScanJob): KafkaScanner | null {
    this.idleTimer?.cancel();
    const free = this.scanners.find((scanner) => scanner.isFree(job.topic, job.partition));
    if (free !== undefined) return free;
    if (this.scanners.length >= this.options.scannersMax) return null;
    const scanner = new KafkaScanner(this.context, [job.topic]);
    this.scanners.push(scanner);
    return scanner;
  }

  private stopWhenIdle(): void {
    this.idleTimer?.cancel();
    this.idleTimer = this.context.environment.timers.after(this.options.idleMs, () => {
      if (this.scanners.some((scanner) => scanner.load > 0)) return;
      for (const scanner of this.scanners.splice(0)) void scanner.stop();
    });
  }
}
