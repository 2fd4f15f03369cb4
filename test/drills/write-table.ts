import type { DrillResult } from './run-drill.js';

/** What fired how soon after the fault, and how soon after its mending it had cleared. */
export function writeTable(results: readonly DrillResult[]): string {
  return ['drills: alert, from the fault; cleared, from its mending', ...results.map(writeRow)].join('\n');
}

export function writeRow({ name, factor, fired, cleared, inhibited, problems }: DrillResult): string {
  const times = [...fired].map(([alert, at]) => `${alert} ${at.toFixed(0)} s, cleared ${cleared.get(alert)?.toFixed(0) ?? '–'} s`);
  const silent = [...inhibited].filter((alert) => !fired.has(alert));
  const held = silent.length > 0 ? `; held back: ${silent.join(', ')}` : '';
  return `  ${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name} (÷${factor}): ${times.join('; ') || 'nothing fired'}${held}`;
}
