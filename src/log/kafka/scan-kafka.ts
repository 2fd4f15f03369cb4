import { LogError } from '../event-log.js';
import type { LogBatch, ScanRange } from '../event-log.js';
import type { KafkaLogContext } from './kafka-log-context.js';
import type { ScanJob, ScannedStretch } from './kafka-scanner.js';
import type { ScannerPool } from './scanner-pool.js';

/** A scan that gets nothing for this long ends with an error: Kafka is away, or an open transaction hides the rest of the range. */
const stallMsMax = 10_000;

/** Reads a range through the pool; at most one stretch is held ahead of the consumer. */
export async function* scanKafka(
  context: KafkaLogContext,
  pool: ScannerPool,
  range: ScanRange,
  signal: AbortSignal,
): AsyncGenerator<LogBatch> {
  const name = `partition ${range.partition} of topic "${range.topic}"`;
  if (signal.aborted) throw aborted(signal);
  const bounds = (await context.admin.offsets(range.topic))?.find(({ partition }) => partition === range.partition);
  if (bounds === undefined) throw new LogError(`could not scan: there is no ${name}`, false);
  const last = Math.min(range.to, bounds.end - 1);
  if (range.from > last) return;
  if (bounds.low > last) {
    // Retention passed the whole range: an empty batch past its end shows the hole.
    yield { ...range, from: last + 1, to: last, records: [], end: bounds.end };
    return;
  }
  const mailbox = new Mailbox();
  const job: ScanJob = {
    topic: range.topic,
    partition: range.partition,
    next: Math.max(range.from, bounds.low),
    to: last,
    isWanting: false,
    onStretch: (stretch) => mailbox.put(stretch),
  };
  const scanner = await pool.acquire(job, signal);
  try {
    for (let next = job.next; next <= last;) {
      scanner.want(job);
      const stretch = await mailbox.take(context, signal, name);
      const from = stretch.isContinued ? stretch.from : await beginningOf(context, range, next, stretch);
      const to = Math.min(stretch.to, last);
      yield {
        topic: range.topic,
        partition: range.partition,
        from: Math.min(from, last + 1),
        to,
        records: stretch.records,
        end: stretch.end,
      };
      next = to + 1;
    }
  } finally {
    pool.release(scanner, job);
  }
}

/** Markers that begin above the offset asked for: a hole only if the low end has moved there. */
async function beginningOf(context: KafkaLogContext, range: ScanRange, next: number, stretch: ScannedStretch): Promise<number> {
  const bounds = (await context.admin.offsets(range.topic))?.find(({ partition }) => partition === range.partition);
  return bounds === undefined ? next : Math.max(next, Math.min(bounds.low, stretch.to + 1));
}

const aborted = (signal: AbortSignal): LogError => new LogError('the scan was aborted', false, { cause: signal.reason });

/** Room for one stretch. */
class Mailbox {
  private held: ScannedStretch | null = null;
  private waiting: ((stretch: ScannedStretch) => void) | null = null;

  put(stretch: ScannedStretch): void {
    if (this.waiting !== null) this.waiting(stretch);
    else this.held = stretch;
  }

  async take({ environment }: KafkaLogContext, signal: AbortSignal, name: string): Promise<ScannedStretch> {
    if (signal.aborted) throw aborted(signal);
    const { held } = this;
    this.held = null;
    if (held !== null) return held;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.waiting = null;
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        done();
        reject(aborted(signal));
      };
      const timer = environment.timers.after(stallMsMax, () => {
        done();
        reject(new LogError(`a scan of ${name} got nothing for ${stallMsMax / 1000} s`, true));
      });
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting = (stretch) => {
        done();
        resolve(stretch);
      };
    });
  }
}
