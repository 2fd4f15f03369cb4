import { createInterface } from 'node:readline';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { CommandContext } from '../command-context.js';
import { CommandError, reasonOf } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import type { Remote } from '../remote.js';
import { postEvents } from './post-events.js';
import type { PublishAnswer } from './post-events.js';
import type { PublishOptions } from './publish-options.js';
import { writeResults } from './write-results.js';

/** A request of so many characters of events goes, whatever their number: a body has at most 1 MiB unless configured. */
const batchCharactersMax = 512 * 1_024;
const attemptsMax = 5;
const pauseMs = 1_000;
const pauseMsMax = 30_000;
/** How long a line waits for more of its batch: a slow input is published as it comes. */
const lingerMs = 200;

interface Line {
  readonly number: number;
  /** JSON of the event. */
  readonly event: string;
}

/** Publishes each line of the input, batch by batch, in order; stops at a batch that is refused as a whole. */
export async function publishLines(
  remote: Remote,
  common: Readonly<Record<string, unknown>> | null,
  options: PublishOptions,
  context: CommandContext,
): Promise<number> {
  let isWhole = true;
  let batchNumber = 0;
  for await (const batch of batchesOf(openInput(options, context), common, options.batch)) {
    batchNumber++;
    const { idempotencyKey } = options;
    const key = idempotencyKey === undefined ? null : `${idempotencyKey}-${batchNumber}`;
    const answer = await postAgain(remote, batch, key);
    isWhole = (await writeResults([answer], context.terminal, options.json === true, (i) => batch[i]?.number ?? null)) && isWhole;
    if (answer.kind === 'refused') return exitCodes.failure;
  }
  return isWhole ? exitCodes.ok : exitCodes.failure;
}

function openInput({ file }: PublishOptions, { stdin }: CommandContext): Readable {
  if (file !== undefined) return createReadStream(file);
  if (stdin === null) throw new CommandError('--lines reads standard input or --file', exitCodes.unusable);
  return stdin instanceof Readable ? stdin : Readable.from(stdin);
}

/** Lines in batches: full ones, and what has waited for `lingerMs`. */
async function* batchesOf(
  input: Readable,
  common: Readonly<Record<string, unknown>> | null,
  countMax: number,
): AsyncGenerator<readonly Line[]> {
  const failed = new Promise<never>((_, reject) => {
    input.once('error', (error) => reject(new CommandError(`the input cannot be read: ${reasonOf(error)}`, exitCodes.failure)));
  });
  failed.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  let number = 0;
  let next = lines.next();
  for (;;) {
    const batch: Line[] = [];
    let characters = 0;
    let isDue: Promise<'due'> | null = null;
    while (batch.length < countMax && characters < batchCharactersMax) {
      const got = await Promise.race([next, failed, ...(isDue === null ? [] : [isDue])]);
      if (got === 'due') break;
      if (got.done === true) {
        if (batch.length > 0) yield batch;
        return;
      }
      number++;
      next = lines.next();
      if (got.value.trim() === '') continue;
      const event = eventOfLine(got.value, common);
      if (event === null) {
        if (batch.length > 0) yield batch;
        throw new CommandError(
          `line ${number} is not a JSON object: without a channel each line must be {"channel":…,"data":…}; it and what follows were not published`,
          exitCodes.failure,
        );
      }
      const line = { number, event };
      batch.push(line);
      characters += line.event.length;
      isDue ??= new Promise((resolve) => setTimeout(() => resolve('due'), lingerMs));
    }
    if (batch.length > 0) yield batch;
  }
}

/** JSON of the event; null: the line is none. A whole event goes on untouched, and the node judges it. */
function eventOfLine(line: string, common: Readonly<Record<string, unknown>> | null): string | null {
  if (common !== null) return JSON.stringify({ ...common, data: line });
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? line : null;
  } catch {
    return null;
  }
}

async function postAgain(remote: Remote, batch: readonly Line[], key: string | null): Promise<PublishAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await postEvents(
      remote,
      batch.map(({ event }) => event),
      key,
    );
    if (answer.kind === 'results' || !answer.isFree || attempt >= attemptsMax) return answer;
    const ms = Math.min(pauseMsMax, answer.retryMs ?? pauseMs * 2 ** (attempt - 1));
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
