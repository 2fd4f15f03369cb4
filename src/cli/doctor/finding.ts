export type Level = 'ok' | 'warn' | 'fail';

/** Something that was looked at. */
export interface Finding {
  readonly level: Level;
  /** How it is, as a sentence without a full stop. */
  readonly what: string;
  /** How it is mended, or could be better; null: nothing is to be done. */
  readonly mend: string | null;
}

export const ok = (what: string, better: string | null = null): Finding => ({ level: 'ok', what, mend: better });
export const warn = (what: string, mend: string | null): Finding => ({ level: 'warn', what, mend });
export const fail = (what: string, mend: string | null): Finding => ({ level: 'fail', what, mend });
