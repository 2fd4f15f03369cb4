import type { DrillResult } from './run-drill.js';

/** What fired how soon after the fault, and how soon after its mending it had cleared. */
export function writeTable(results: readonly DrillResult[]): string {
  const rows = results.map(({ name, factor, fired, cleared, inhibited, problems }) => {
    const times = [...fired].map(([alert, at]) => `${alert} ${at.toFixed(0)} s, cleared ${cleared.get(alert)?.toFixed(0) ?? '–'} s`);
    const silent = [...inhibited].filter((alert) => !fired.has(alert));
    const held = silent.length > 0 ? `; held back: ${silent.join(', ')}` : '';
    return `  ${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name} (÷${factor}): ${times.join('; ') || 'nothing fired'}${held}`;
  });
  return ['drills: alert, from the fault; cleared, from its mending', ...rows].join('\n');
}
