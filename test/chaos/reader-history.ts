/** One thing that happened to a reader. */
export type Moment =
  | {
      readonly what: 'event';
      readonly atMs: number;
      readonly n: number;
      readonly type: string;
      readonly id: string;
      readonly fault: string | null;
    }
  | { readonly what: 'position'; readonly atMs: number; readonly id: string }
  | { readonly what: 'gap'; readonly atMs: number; readonly id: string; readonly reason: string; readonly from: string | null }
  | { readonly what: 'connect'; readonly atMs: number; readonly node: string; readonly with: string | null }
  | { readonly what: 'end'; readonly atMs: number; readonly how: string };

/** What a reader asked for. */
export interface Asked {
  readonly channels: readonly string[];
  readonly kind: string | null;
  readonly session: string | null;
  readonly format: 'plain' | 'envelope';
}

export interface ReaderHistory {
  readonly name: string;
  readonly asked: Asked;
  readonly moments: readonly Moment[];
  /** Answers that no reader should get. */
  readonly complaints: readonly string[];
}
