/** Characters that stand for themselves in an encoded value. */
const plainValue = /^[A-Za-z0-9_~-]*$/;
/** What `encodeURIComponent` leaves alone and a channel must not. */
const leftAlone = /[.!*'()]/g;
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Whether `text` can be written as UTF-8 without loss. */
export const isWellFormed = (text: string): boolean => !loneSurrogate.test(text);

/**
 * Percent-encodes everything outside `[A-Za-z0-9_~-]`, upper-case hex, so that a value can never hold a separator, a wildcard or another
 * channel's name. Injective over well-formed strings. Undefined for a string with an unpaired surrogate, which has no UTF-8.
 */
export function encodeValue(text: string): string | undefined {
  if (plainValue.test(text)) return text;
  if (!isWellFormed(text)) return undefined;
  return encodeURIComponent(text).replace(leftAlone, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The value that `encodeValue` makes this of; undefined when it makes it of none (not encoded, not UTF-8, or not the canonical spelling). */
export function decodeValue(encoded: string): string | undefined {
  if (plainValue.test(encoded)) return encoded;
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
  return encodeValue(text) === encoded ? text : undefined;
}

const isPlainUnit = (unit: number): boolean =>
  (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122) || unit === 95 || unit === 126 || unit === 45;

/** Where the encoded character at `at` ends; -1 when no canonically encoded character begins there. */
export function encodedCharacterEnd(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (isPlainUnit(unit)) return at + 1;
  if (unit !== 37) return -1;
  const first = Number.parseInt(text.slice(at + 1, at + 3), 16);
  const byteCount = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const end = at + byteCount * 3;
  return end <= text.length && decodeValue(text.slice(at, end)) !== undefined ? end : -1;
}
