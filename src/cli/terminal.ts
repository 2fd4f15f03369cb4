import type { Palette } from './palette.js';
import { paletteOf, wantsColour } from './palette.js';

/** One of the two places that a command writes to. */
export interface Output {
  readonly paint: Palette;
  /** Writes a line; resolves when the next may come. Text of strangers must have been through `escapeText`. */
  line(text: string): Promise<void>;
}

export interface Terminal {
  /** What was asked for. */
  readonly out: Output;
  /** News about it. */
  readonly err: Output;
  /** Somebody looks at what is written to `out`. */
  readonly isInteractive: boolean;
}

interface Stream {
  readonly isTTY?: boolean;
  write(text: string): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** `isColoured` false: no colours, whatever the terminal can. */
export function openTerminal(out: Stream, err: Stream, env: Readonly<Record<string, string | undefined>>, isColoured: boolean): Terminal {
  return { out: openOutput(out, env, isColoured), err: openOutput(err, env, isColoured), isInteractive: out.isTTY === true };
}

function openOutput(stream: Stream, env: Readonly<Record<string, string | undefined>>, isColoured: boolean): Output {
  return {
    paint: paletteOf(isColoured && wantsColour(stream.isTTY === true, env)),
    line: (text) =>
      new Promise((resolve) => {
        if (stream.write(`${text}\n`)) resolve();
        else stream.once('drain', resolve);
      }),
  };
}
