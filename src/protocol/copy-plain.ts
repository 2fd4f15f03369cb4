/** Above this, the engine's own copying is faster than a loop. */
export const plainBytesMax = 1_024;

/** What a copy met besides one line of plain text; flags. */
export const copied = { beyondAscii: 1, control: 2 } as const;

/**
 * Copies `length` bytes and looks at them on the way: whether some are beyond ASCII (to be checked as UTF-8) or control characters (CR and LF
 * among them). A view of the bytes for the engine's own functions costs more than this loop does for short runs.
 */
export function copyPlain(from: DataView, fromAt: number, to: DataView, toAt: number, length: number): number {
  const whole = length & ~3;
  let high = 0;
  let low = 0;
  for (let i = 0; i < whole; i += 4) {
    const word = from.getInt32(fromAt + i, true);
    to.setInt32(toAt + i, word, true);
    high |= word;
    // The highest bit of each byte: set when the byte is below 0x20, or a borrow came from one that is.
    low |= (word - 0x20202020) & ~word;
  }
  for (let i = whole; i < length; i++) {
    const byte = from.getUint8(fromAt + i);
    to.setUint8(toAt + i, byte);
    high |= byte;
    if (byte < 0x20) low |= 0x80;
  }
  const top = 0x80808080;
  return ((high & top) === 0 ? 0 : copied.beyondAscii) | ((low & top) === 0 ? 0 : copied.control);
}
