export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const as =
  (begin: number, end: number) =>
  (text: string): string =>
    `\u001b[${begin}m${text}\u001b[${end}m`;
const same = (text: string): string => text;

const colours: Palette = { bold: as(1, 22), dim: as(2, 22), red: as(31, 39), green: as(32, 39), yellow: as(33, 39), cyan: as(36, 39) };
const plain: Palette = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };

export const paletteOf = (isColoured: boolean): Palette => (isColoured ? colours : plain);

/** Colours are for terminals, and for none that asks to be left alone (https://no-color.org). */
export function wantsColour(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
