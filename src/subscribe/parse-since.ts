const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads an ISO 8601 time, milliseconds since 1970, or a duration back from now (`30s`, `5m`, `2h`, `1d`, `500ms`); null for anything else. */
export function parseSince(text: string, nowMs: number): number | null {
  const duration = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (duration !== null) return Math.max(0, nowMs - Number(duration[1]) * (unitMs[duration[2] ?? ''] ?? NaN));
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return null;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) || timeMs < 0 ? null : timeMs;
}
