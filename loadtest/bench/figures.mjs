/** Medians and tables. */
import { loadavg } from 'node:os';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The machine's load now, to be read beside every figure. */
export const load = () => loadavg()[0];

export const round = (value, digits = 1) => Number(value.toFixed(digits));

/** A Markdown table, columns as wide as their widest cell. */
export function formatTable(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [first, ...rest] = cells;
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n');
}

/** Runs ours and the bare program in turn, `rounds` times; what each run returned. */
export async function inTurn(rounds, programs) {
  const results = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  for (let i = 0; i < rounds; i++) {
    const names = Object.keys(programs);
    // Every other round the other way round: neither is always the one that runs on a warmer machine.
    for (const name of i % 2 === 0 ? names : names.reverse()) results[name].push(await programs[name]());
  }
  return results;
}

/** The median of the ratios of each round, which hides less than the ratio of medians. */
export const medianRatio = (ours, bare) => median(ours.map((value, i) => value / bare[i]));

/** Tells on stderr what was measured just now: a whole run takes half an hour. */
export function tell(row) {
  process.stderr.write(`${row.join('  ')}\n`);
  return row;
}
