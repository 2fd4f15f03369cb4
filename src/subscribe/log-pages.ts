import type { EventLog, LogBatch } from '../log/event-log.js';
import type { RoutedEvent } from '../routing/routed-event.js';
import type { Router } from '../routing/router.js';
import type { Clock } from '../std/clock.js';
import type { Metrics } from '../telemetry/metrics.js';
import { SharedReads } from './share-reads.js';

export interface LogPagesLimits {
  /** Offsets of one page; pages are cut at multiples of it, so that readers that want overlapping ranges share them. */
  readonly pageOffsets: number;
  /** A page stops after the batch that passes so many bytes. */
  readonly pageBytesMax: number;
  /** All pages that are kept, whether a reader still wants them or not: the slowest reader reads again. */
  readonly cacheBytesMax: number;
  /** How long a page is kept. */
  readonly cacheMs: number;
}

/** A stretch of one partition, routed: everything in [from, to]. */
export interface LogPage {
  readonly from: number;
  readonly to: number;
  readonly records: number;
  readonly bytes: number;
  readonly byChannel: ReadonlyMap<string, readonly RoutedEvent[]>;
  readonly readTickMs: number;
}

/** What reading a page came to: the page, or that the log begins above it. */
export type LogPageAnswer = { readonly kind: 'page'; readonly page: LogPage } | { readonly kind: 'below-low'; readonly low: number };

/** Reads routed pages from the log, each once for all readers that want it. */
export class LogPages {
  readonly #log: EventLog;
  readonly #router: Router;
  readonly #limits: LogPagesLimits;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #pages = new Map<string, LogPage[]>();
  readonly #order: { readonly key: string; readonly page: LogPage }[] = [];
  /** Questions for a topic's ends that are under way. */
  readonly #asking = new Map<string, ReturnType<EventLog['offsets']>>();
  readonly #sharedReads: SharedReads<LogPage>;
  #bytes = 0;

  constructor(log: EventLog, router: Router, limits: LogPagesLimits, clock: Clock, metrics: Metrics) {
    this.#log = log;
    this.#router = router;
    this.#limits = limits;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#sharedReads = new SharedReads(metrics);
  }

  /** The page that holds `offset`, reading no further than `through`. Rejects when the log does not answer. */
  async read(topic: string, partition: number, offset: number, through: number): Promise<LogPageAnswer> {
    this.#forgetOld();
    const key = `${partition} ${topic}`;
    const known = this.#pages.get(key)?.find((page) => page.from <= offset && offset <= page.to);
    if (known !== undefined) {
      this.#metrics.replayShared();
      return { kind: 'page', page: known };
    }
    const { pageOffsets } = this.#limits;
    const pageEnd = (Math.floor(offset / pageOffsets) + 1) * pageOffsets - 1;
    // From the page's beginning, unless part of it is here already: then from there.
    const before = this.#pages.get(key)?.reduce((to, page) => (page.to < offset ? Math.max(to, page.to) : to), -1) ?? -1;
    const from = Math.max(pageEnd - pageOffsets + 1, before + 1);
    const to = Math.max(offset, Math.min(pageEnd, through));
    const page = await this.#sharedReads.run(`${key} ${from}`, () => this.#load(key, topic, partition, from, to));
    // What lies between is below the log's low end.
    if (page.from > offset) return { kind: 'below-low', low: page.from };
    const hasMore = page.to < offset && page.to >= page.from;
    return hasMore ? this.read(topic, partition, offset, through) : { kind: 'page', page };
  }

  /** The first offset that the log still has, asked now; 0 for a partition that it does not know. Rejects when the log does not answer. */
  async lowEnd(topic: string, partition: number): Promise<number> {
    let asking = this.#asking.get(topic);
    if (asking === undefined) {
      asking = this.#log.offsets(topic).finally(() => this.#asking.delete(topic));
      this.#asking.set(topic, asking);
    }
    return (await asking).find((one) => one.partition === partition)?.low ?? 0;
  }

  async #load(key: string, topic: string, partition: number, from: number, to: number): Promise<LogPage> {
    const scan = new PageScan(from, this.#router, this.#clock.tickMs());
    for await (const batch of this.#log.scan({ topic, partition, from, to })) {
      // The log begins above what was asked: the page begins there, and says so.
      if (batch.from > scan.next) scan.restart(batch.from);
      scan.add(batch);
      if (scan.bytes >= this.#limits.pageBytesMax) break;
    }
    const page = scan.toPage();
    this.#metrics.scanned(page.records);
    this.#keep(key, page);
    return page;
  }

  #keep(key: string, page: LogPage): void {
    if (page.to < page.from) return;
    const pages = this.#pages.get(key) ?? [];
    pages.push(page);
    this.#pages.set(key, pages);
    this.#order.push({ key, page });
    this.#bytes += page.bytes;
    this.#forgetOld();
  }

  #forgetOld(): void {
    const oldestTickMs = this.#clock.tickMs() - this.#limits.cacheMs;
    for (;;) {
      const oldest = this.#order[0];
      if (oldest === undefined || (oldest.page.readTickMs >= oldestTickMs && this.#bytes <= this.#limits.cacheBytesMax)) return;
      this.#order.shift();
      this.#bytes -= oldest.page.bytes;
      const pages = this.#pages.get(oldest.key)?.filter((page) => page !== oldest.page) ?? [];
      if (pages.length === 0) this.#pages.delete(oldest.key);
      else this.#pages.set(oldest.key, pages);
    }
  }

  /** Forgets a partition whose topic began anew. */
  forget(topic: string, partition: number): void {
    const key = `${partition} ${topic}`;
    for (const page of this.#pages.get(key) ?? []) {
      this.#bytes -= page.bytes;
      const at = this.#order.findIndex((kept) => kept.page === page);
      if (at >= 0) this.#order.splice(at, 1);
    }
    this.#pages.delete(key);
  }
}

const eventOverheadBytes = 320;

/** Gathers batches of a scan into one page. */
class PageScan {
  readonly #router: Router;
  readonly #readTickMs: number;
  #from: number;
  #next: number;
  #byChannel = new Map<string, RoutedEvent[]>();
  #records = 0;
  bytes = 0;

  constructor(from: number, router: Router, readTickMs: number) {
    this.#from = from;
    this.#next = from;
    this.#router = router;
    this.#readTickMs = readTickMs;
  }

  get next(): number {
    return this.#next;
  }

  restart(from: number): void {
    this.#from = from;
    this.#next = from;
    this.#byChannel = new Map();
  }

  add(batch: LogBatch): void {
    for (const record of batch.records) {
      this.#records++;
      this.bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
      const routed = this.#router.route(batch.topic, batch.partition, record);
      if (typeof routed === 'string') continue;
      for (const event of routed) this.#addEvent(event);
    }
    this.#next = Math.max(this.#next, batch.to + 1);
  }

  #addEvent(event: RoutedEvent): void {
    this.bytes += event.body.byteLength + eventOverheadBytes;
    for (const channel of event.channels) {
      const list = this.#byChannel.get(channel);
      if (list === undefined) this.#byChannel.set(channel, [event]);
      else list.push(event);
    }
  }

  toPage(): LogPage {
    return {
      from: this.#from,
      to: this.#next - 1,
      records: this.#records,
      bytes: this.bytes,
      byChannel: this.#byChannel,
      readTickMs: this.#readTickMs,
    };
  }
}
