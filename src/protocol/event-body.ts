/**
 * An event encoded once: the lines of its Server-Sent Events frame up to, not including, the `id:` line.
 *
 *     event: progress\n          absent for the default type `message`
 *     data: {"a":1}\n            one line for each line of the data
 */
export interface EventBody {
  /** The encoded lines, each ended by LF. Owned by the event: never a view into a fetch buffer. */
  readonly bytes: Uint8Array;
  /** Where the data of the first `data: ` line begins in `bytes`. */
  readonly dataStart: number;
  /** True when the data has one line, so that `bytes[dataStart .. length - 1)` is the data itself. */
  readonly isSingleLine: boolean;
}
