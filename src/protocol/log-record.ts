/** Header values as bytes; a repeated header is an array. */
export type RecordHeaders = Readonly<Record<string, Uint8Array | readonly Uint8Array[] | undefined>>;

/** One record as read from the log. Its bytes belong to the fetch buffer: copy whatever is kept past the callback. */
export interface LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
}
