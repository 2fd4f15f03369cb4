import { isUtf8 } from 'node:buffer';

const replacement = '\ufffd';

/** `bytes.toString('utf8', start, end)`; undefined when that is not UTF-8. */
export function decodeUtf8(bytes: Buffer, start = 0, end = bytes.length): string | undefined {
  const text = bytes.toString('utf8', start, end);
  return !text.includes(replacement) || isUtf8(bytes.subarray(start, end)) ? text : undefined;
}
