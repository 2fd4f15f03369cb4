import { escapeJson, escapeText } from '../escape-text.js';
import type { Terminal } from '../terminal.js';
import type { PublishAnswer } from './post-events.js';

/** Writes a line for each event; `lineOf` says where an event came from. True when all of them are in the log. */
export async function writeResults(
  answers: readonly PublishAnswer[],
  { out, err }: Terminal,
  isJson: boolean,
  lineOf: (index: number) => number | null = () => null,
): Promise<boolean> {
  let isWhole = true;
  let index = 0;
  for (const answer of answers) {
    if (answer.kind === 'refused') {
      isWhole = false;
      const { code, sentence } = answer;
      const first = lineOf(index);
      if (isJson)
        await out.line(escapeJson(JSON.stringify({ ...(first === null ? {} : { line: first }), error: { code, detail: sentence } })));
      else await err.line(`${err.paint.red('error:')} ${first === null ? '' : `from line ${first} on: `}${escapeText(sentence)}`);
      continue;
    }
    for (const result of answer.results) {
      const line = lineOf(index++);
      const at = line === null ? {} : { line };
      if (result.kind === 'failed') isWhole = false;
      if (isJson) {
        const { position, partition, offset, code, sentence } = result as Readonly<Record<string, unknown>>;
        const fields = result.kind === 'in-log' ? { position, partition, offset } : { error: { code, detail: sentence } };
        await out.line(escapeJson(JSON.stringify({ ...at, ...fields })));
      } else if (result.kind === 'in-log') {
        await out.line(`${escapeText(result.position)}  partition ${result.partition} offset ${escapeText(result.offset)}`);
      } else await err.line(`${err.paint.red('error:')} ${line === null ? '' : `line ${line}: `}${result.sentence}`);
    }
    if (answer.isReplayed && !isJson) await err.line('-- the same request was answered before: nothing was published again');
  }
  return isWhole;
}
