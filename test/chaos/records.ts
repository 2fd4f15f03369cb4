/** What the test writes into a record, as JSON. `pad` comes last. */
export interface RecordValue {
  /** Number of the record, one count for all topics. */
  readonly n: number;
  /** Number within its first channel. */
  readonly seq: number;
  /** When it was made; ms since 1970. */
  readonly at: number;
  readonly kind: 'step' | 'note' | 'mark';
  readonly session: string;
  /** Of the unkeyed topic. */
  readonly stage?: string;
  readonly project?: string;
  readonly pad?: string;
}

export const kinds = ['step', 'note'] as const;
export const sessions = ['s0', 's1', 's2'] as const;

/** A record as Kafka holds it at the end, with what the routes make of it. */
export interface TrueRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly n: number;
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly session: string;
  readonly channels: readonly string[];
}

/** The channels of a record, as the world's routes say. */
export function channelsOf(key: string | null, value: Pick<RecordValue, 'stage' | 'project'>): readonly string[] {
  if (key !== null) return [key.startsWith('r') ? `r.${key}` : `k.${key}`];
  return [`stage.${value.stage ?? ''}`, `project.${value.project ?? ''}`];
}
