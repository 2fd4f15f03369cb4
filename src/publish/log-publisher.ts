import type { AppendRecord, AppendResult, EventLog } from '../log/event-log.js';
import { LogError } from '../log/event-log.js';
import type { Router } from '../routing/router.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { parsePublish } from './parse-publish.js';
import type { PublishItem } from './parse-publish.js';
import type { PublishAnswer, Publisher } from './publisher.js';

/** The header that carries the type of an event that was published over HTTP. */
const typeHeader = 'selvage-type';

/** Most events in one batch. */
export const publishItemsMax = 100;

export interface LogPublisherParts {
  readonly router: Pick<Router, 'publishTargetOf'>;
  readonly log: Pick<EventLog, 'append'>;
  /** The position of a reader that has had the event and all before it in its partition. */
  encodePosition(channel: string, result: AppendResult): string;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Default 100. */
  readonly itemsMax?: number;
}

/** Publishes into the log: routed by channel, answered when all in-sync replicas have the events. */
export class LogPublisher implements Publisher {
  readonly #parts: LogPublisherParts;

  constructor(parts: LogPublisherParts) {
    this.#parts = parts;
  }

  async publish(body: Uint8Array, contentType: string): Promise<PublishAnswer> {
    if (!isJson(contentType)) return this.#refuse(0, { code: 'unsupported-media-type', detail: 'The body must be application/json.' });
    const parse = parsePublish(body, this.#parts.itemsMax ?? publishItemsMax);
    if (parse.kind === 'refused') {
      const { code, detail, limit } = parse;
      return this.#refuse(1, { code, detail, ...(limit === undefined ? {} : { limit }) });
    }
    const records = this.#toRecords(parse.items);
    if (typeof records === 'number') {
      const detail = `events[${records}]: no route that may be published to can produce this channel.`;
      return this.#refuse(parse.items.length, { code: 'unroutable-channel', detail });
    }
    return this.#append(parse.items, records);
  }

  /** The records, or the index of the first item that nothing routes. */
  #toRecords(items: readonly PublishItem[]): readonly AppendRecord[] | number {
    const records: AppendRecord[] = [];
    for (const [index, { channel, type, data }] of items.entries()) {
      const target = this.#parts.router.publishTargetOf(channel);
      if (target === null) return index;
      records.push({ topic: target.topic, key: target.key, value: data, ...(type === '' ? {} : { headers: { [typeHeader]: type } }) });
    }
    return records;
  }

  async #append(items: readonly PublishItem[], records: readonly AppendRecord[]): Promise<PublishAnswer> {
    const { log, metrics, logger } = this.#parts;
    let appended: readonly AppendResult[];
    try {
      appended = await log.append(records);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      logger.warn('the log did not take events', { error });
      // Some of a batch may be in the log all the same: a caller that repeats it may make duplicates, and is told so.
      const detail = 'The log did not confirm the events; some of them may be in it.';
      return this.#refuse(items.length, { code: 'log-unavailable', detail, ...(error.retriable ? { retryAfterSeconds: 1 } : {}) });
    }
    metrics.published('accepted', items.length);
    const results = appended.map((result, index) => ({
      position: this.#parts.encodePosition(items[index]?.channel ?? '', result),
      partition: result.partition,
      offset: String(result.offset),
    }));
    return { kind: 'accepted', results };
  }

  #refuse(count: number, refusal: (PublishAnswer & { kind: 'refused' })['refusal']): PublishAnswer {
    this.#parts.metrics.published(refusal.code, Math.max(1, count));
    return { kind: 'refused', refusal };
  }
}

function isJson(contentType: string): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || type.endsWith('+json');
}
