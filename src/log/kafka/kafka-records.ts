import type { Batch } from 'kafkajs';
import type { LogRecord } from '../../protocol/log-record.js';
import type { FetchedRecord } from './fetched-records.js';

/** Where the fetch that made a batch began: the only sign of a hole. kafkajs keeps it, though its types do not say so. */
export function fetchedOffsetOf(batch: Batch): number {
  return Number((batch as unknown as { readonly fetchedOffset: string | number }).fetchedOffset);
}

/** The batch's records from `from` to `to`. Their bytes stay in kafkajs' fetch buffer. */
export function recordsOf(batch: Batch, from: number, to: number): readonly LogRecord[] {
  const records = batch.messages as unknown as readonly FetchedRecord[];
  let begin = 0;
  let end = records.length;
  while (begin < end && (records[begin] as FetchedRecord).offset < from) begin++;
  while (end > begin && (records[end - 1] as FetchedRecord).offset > to) end--;
  return begin === 0 && end === records.length ? records : records.slice(begin, end);
}
