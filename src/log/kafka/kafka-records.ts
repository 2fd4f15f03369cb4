import type { Batch, KafkaMessage } from 'kafkajs';
import type { LogRecord, RecordHeaders } from '../../protocol/log-record.js';

/** Where the fetch that made a batch began: the only sign of a hole. kafkajs keeps it, though its types do not say so. */
export function fetchedOffsetOf(batch: Batch): number {
  return Number((batch as unknown as { readonly fetchedOffset: string | number }).fetchedOffset);
}

/** The batch's records from `from` to `to`. Their bytes stay in kafkajs' fetch buffer. */
export function recordsOf(batch: Batch, from: number, to: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (const message of batch.messages) {
    const offset = Number(message.offset);
    if (offset >= from && offset <= to) records.push(toRecord(message, offset));
  }
  return records;
}

function toRecord(message: KafkaMessage, offset: number): LogRecord {
  const { key, value, timestamp, headers } = message;
  return { offset, timestampMs: Number(timestamp), key: key ?? null, value: value ?? null, headers: (headers ?? {}) as RecordHeaders };
}
