const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const isoTime = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * Reads an ISO 8601 time, milliseconds since 1970, or a duration back from now (`30s`, `5m`, `2h`, `1d`, `500ms`); null for anything else. A time
 * without a zone is UTC, wherever the node stands.
 */
export function parseSince(text: string, nowMs: number): number | null {
  const duration = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (duration !== null) return Math.max(0, nowMs - Number(duration[1]) * (unitMs[duration[2] ?? ''] ?? NaN));
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const [, date, time = '', zone = ''] = isoTime.exec(text) ?? [];
  if (date === undefined || !isCalendarDay(date) || (time === '' && zone !== '')) return null;
  const timeMs = Date.parse(time === '' ? date : `${date}${time}${zone === '' ? 'Z' : zone}`);
  return Number.isNaN(timeMs) || timeMs < 0 ? null : timeMs;
}

/** The engine takes the 30th of February for the 2nd of March. */
function isCalendarDay(date: string): boolean {
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(midnightMs) && new Date(midnightMs).toISOString().startsWith(date);
}
