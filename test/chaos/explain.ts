import { decodePosition } from '../../src/protocol/position.js';
import type { Violation } from './judge.js';
import type { Moment, ReaderHistory } from './reader-history.js';
import { describe } from './judge.js';
import type { Truth } from './judge.js';

const before = 15;
const after = 6;
const stretchMax = 60;

/** A violation with what its reader saw around it, positions decoded. */
export function explain(violation: Violation, history: ReaderHistory, truth: Truth): string {
  const { asked, moments } = history;
  const from = Math.max(0, violation.at - before);
  const lines = moments.slice(from, violation.at + after).map((moment, i) => {
    const mark = from + i === violation.at ? '>>' : '  ';
    return `${mark} ${new Date(moment.atMs).toISOString().slice(11)} ${writeMoment(moment, truth)}`;
  });
  const head = `${violation.kind.toUpperCase()} ${violation.reader} ${JSON.stringify(asked)}\n   ${violation.what}`;
  return [head, ...lines].join('\n');
}

/** What a reader saw in a stretch of time, a few moments of it. */
export function tellStretch(history: ReaderHistory, fromMs: number, toMs: number, truth: Truth): string {
  const moments = history.moments.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).slice(-stretchMax);
  return moments.map((moment) => `    ${new Date(moment.atMs).toISOString().slice(11)} ${writeMoment(moment, truth)}`).join('\n');
}

function writeMoment(moment: Moment, truth: Truth): string {
  switch (moment.what) {
    case 'event': {
      const record = truth.byNumber.get(moment.n);
      return `event ${record === undefined ? String(moment.n) : describe(record)}  ${writePosition(moment.id, truth)}`;
    }
    case 'position':
      return `position ${writePosition(moment.id, truth)}`;
    case 'gap':
      return `GAP ${moment.reason} from ${moment.from === null ? 'nothing' : writePosition(moment.from, truth)} to ${writePosition(moment.id, truth)}`;
    case 'connect':
      return `connect to ${moment.node} with ${moment.with === null ? 'nothing' : writePosition(moment.with, truth)}`;
    case 'end':
      return `end: ${moment.how}`;
  }
}

/** `topic(count) partition:cursor …`. */
function writePosition(id: string, truth: Truth): string {
  const position = decodePosition(id);
  if (position === null) return id;
  const topics = position.topics.map((entry) => {
    const name = truth.topicOf(entry.tag) ?? entry.tag;
    if (entry.kind === 'time') return `${name}(${entry.partitionCount}) at ${entry.timestampMs}`;
    return `${name}(${entry.partitionCount}) ${[...entry.cursors].map(([partition, cursor]) => `${partition}:${cursor}`).join(' ')}`;
  });
  return topics.join(', ');
}
