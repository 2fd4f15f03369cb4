import { explain, tellStretch } from './explain.js';
import type { Outcome, Storm } from './storm.js';

/** Live streams must not stand still for longer because of Redis or an indexer. */
export const calmDelayMsMax = 5_000;
const explainedMax = 6;
/** Recoveries longer than this are explained. */
const slowRecoveryMs = 8_000;

/** Sentences for everything that is wrong; none: the storm was weathered. */
export function findProblems(storm: Storm, outcome: Outcome): string[] {
  const problems: string[] = [];
  const violations = outcome.judged.flatMap(({ reader, verdict }) => verdict.violations.map((violation) => ({ reader, violation })));
  const readers = new Set(violations.map(({ reader }) => reader));
  if (violations.length > 0) problems.push(`${violations.length} violations by ${readers.size} readers`);
  // One of each reader says more than many of one.
  const shown = [...readers].flatMap((reader) => violations.find((candidate) => candidate.reader === reader) ?? []).slice(0, explainedMax);
  for (const { reader, violation } of shown) problems.push(explain(violation, reader, outcome.truth));
  for (const [reason, count] of countGaps(outcome)) problems.push(`${count} gaps were told for ${reason}: nothing here should make one`);
  for (const { reader, verdict } of outcome.judged.filter(({ verdict: { gaps } }) => gaps.size > 0).slice(0, explainedMax)) {
    const at = reader.moments.findIndex(({ what }) => what === 'gap');
    problems.push(explain({ reader: reader.name, kind: 'gap', what: [...verdict.gaps.keys()].join(', '), at }, reader, outcome.truth));
  }
  if (outcome.unwritten.length > 0) problems.push(`acknowledged, yet not in Kafka: ${outcome.unwritten.slice(0, 5).join(', ')}`);
  for (const { name, isCalm, startMs, endMs, recoveryMs, lastToRecover } of outcome.faults) {
    if (recoveryMs === null) problems.push(`streams did not recover after "${name}": ${lastToRecover} still waits`);
    const delays = storm.delays.between(startMs, endMs);
    if (isCalm && delays !== null && delays.worstMs > calmDelayMsMax) {
      problems.push(`live streams stuttered in "${name}": ${delays.worstMs} ms for ${delays.worstReader}`);
    }
  }
  return problems;
}

export function countGaps({ judged }: Outcome): Map<string, number> {
  const gaps = new Map<string, number>();
  for (const { verdict } of judged) for (const [reason, count] of verdict.gaps) gaps.set(reason, (gaps.get(reason) ?? 0) + count);
  return gaps;
}

/** The table of one storm. */
export function writeSummary(storm: Storm, outcome: Outcome): string {
  const { judged, faults, recordCount, maybeCount } = outcome;
  const sum = (count: (one: (typeof judged)[number]) => number): number => judged.reduce((total, one) => total + count(one), 0);
  const gaps = [...countGaps(outcome)].map(([reason, count]) => `${reason} ${count}`).join(', ');
  const rows = faults.map(({ name, isCalm, startMs, endMs, recoveryMs, lastToRecover }) => {
    const delays = storm.delays.between(startMs, endMs);
    const cells = [seconds(endMs - startMs), seconds(recoveryMs), String(delays?.medianMs ?? '-'), String(delays?.worstMs ?? '-')];
    return `  ${name.padEnd(38)}${cells.map((cell) => cell.padStart(11)).join('')}  ${isCalm ? 'calm' : '    '}  ${lastToRecover}, ${delays?.worstReader ?? '-'}`;
  });
  const slow = faults.flatMap(({ name, startMs, endMs, recoveryMs, lastToRecover }) => {
    const last = judged.find(({ reader }) => reader.name === lastToRecover);
    if (last === undefined || (recoveryMs ?? Infinity) < slowRecoveryMs) return [];
    const stretch = tellStretch(last.reader, startMs, endMs + (recoveryMs ?? 0), outcome.truth);
    return [`  ${lastToRecover} around "${name}", over at ${new Date(endMs).toISOString().slice(11)}:`, stretch];
  });
  return [
    `  ${'fault'.padEnd(38)}${['lasted s', 'recovery s', 'median ms', 'worst ms'].map((cell) => cell.padStart(11)).join('')}        last to recover, most delayed`,
    ...rows,
    ...slow,
    `  ${judged.length} readers, ${recordCount} records (${maybeCount} of unknown fate), ${sum(({ verdict }) => verdict.delivered)} events delivered, ${sum(({ reader }) => reader.resumeCount)} resumes`,
    `  resumes as the edges counted them since they last began: ${[...outcome.resumes].map(([name, count]) => `${name} ${count}`).join(', ')}`,
    `  gaps: ${gaps || 'none'}; violations: ${sum(({ verdict }) => verdict.violations.length)}`,
  ].join('\n');
}

const seconds = (ms: number | null): string => (ms === null ? 'never' : (ms / 1_000).toFixed(1));
