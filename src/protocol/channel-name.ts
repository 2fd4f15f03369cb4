import { channelBytesMax, controlPrefix, typeBytesMax } from './names.js';

const textEncoder = new TextEncoder();
// Control characters (C0, DEL, C1) and the line separators that some log readers break at.
const unsafeInChannel = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u;
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const unsafeInType = /[\u0000\r\n]/;

/** Whether `text` fits in `bytesMax` bytes of UTF-8. */
export function fitsBytes(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return false;
  return text.length * 3 <= bytesMax || textEncoder.encode(text).length <= bytesMax;
}

/** A channel is any string of 1 to 255 bytes of well-formed UTF-8 without control characters. */
export function isChannelName(text: string): boolean {
  return text.length > 0 && !unsafeInChannel.test(text) && !loneSurrogate.test(text) && fitsBytes(text, channelBytesMax);
}

/** A type is 1 to 64 bytes without CR, LF or NUL, and not one of the fabric's own. */
export function isEventType(text: string): boolean {
  return (
    text.length > 0 &&
    !unsafeInType.test(text) &&
    !loneSurrogate.test(text) &&
    !text.startsWith(controlPrefix) &&
    fitsBytes(text, typeBytesMax)
  );
}
