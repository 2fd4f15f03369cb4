import { readFileSync } from 'node:fs';
import type { CommandContext } from '../command-context.js';
import { CommandError, reasonOf } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import { openRemote } from '../remote.js';
import type { PublishOptions } from './publish-options.js';
import { postEvents } from './post-events.js';
import { publishLines } from './publish-lines.js';
import { writeResults } from './write-results.js';

/** Larger bodies are refused by every node (`limits.bodyBytesMax` is at most 64 MiB). */
const inputBytesMax = 64 * 1_048_576;

/** Publishes one event, or one a line; the exit code. */
export async function publishEvents(
  channel: string | undefined,
  data: string | undefined,
  options: PublishOptions,
  context: CommandContext,
): Promise<number> {
  const remote = openRemote(options, context.env);
  const event = eventOf(channel, options);
  const { idempotencyKey } = options;
  if (idempotencyKey !== undefined && !/^[\x21\x23-\x5b\x5d-\x7e]{1,240}$/.test(idempotencyKey)) {
    throw new CommandError(
      '--idempotency-key must be 1 to 240 visible ASCII characters, without quotes and backslashes',
      exitCodes.unusable,
    );
  }
  if (options.lines) {
    if (data !== undefined)
      throw new CommandError('--lines reads the data from its input: leave the second argument out', exitCodes.unusable);
    return publishLines(remote, event, options, context);
  }
  if (event === null) throw new CommandError('no channel is given', exitCodes.unusable);
  const text = await readData(data, options, context);
  // A text becomes the record's value as it is, so the bytes are those that were given, JSON or not.
  const answer = await postEvents(remote, [{ ...event, data: text }], idempotencyKey ?? null);
  return (await writeResults([answer], context.terminal, options.json === true)) ? exitCodes.ok : exitCodes.failure;
}

/** What is the same for each event; null: lines say all of it. */
export function eventOf(channel: string | undefined, options: PublishOptions): Readonly<Record<string, unknown>> | null {
  const { type, user, broadcast, key, attribute } = options;
  if (broadcast && (channel !== undefined || user !== undefined)) {
    throw new CommandError('--broadcast goes to everybody: no channel and no --user beside it', exitCodes.unusable);
  }
  if (channel === undefined && !broadcast) {
    const given = Object.entries({ type, user, key, attribute }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
    if (given.length > 0) throw new CommandError(`${given.join(' and ')} without a channel`, exitCodes.unusable);
    return null;
  }
  return {
    ...(broadcast ? { broadcast: true } : { channel }),
    ...(user === undefined ? {} : { user }),
    ...(type === undefined ? {} : { type }),
    ...(key === undefined ? {} : { key }),
    ...(attribute === undefined ? {} : { attributes: attribute }),
  };
}

async function readData(data: string | undefined, { file }: PublishOptions, { stdin }: CommandContext): Promise<string> {
  if (data !== undefined && data !== '-') {
    if (file !== undefined) throw new CommandError('the data is given twice: as an argument and with --file', exitCodes.unusable);
    return data;
  }
  const bytes = file === undefined ? await readAll(stdin) : readFile(file);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw new CommandError('the data is not UTF-8', exitCodes.failure);
  }
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError(`the file cannot be read: ${reasonOf(error)}`, exitCodes.failure);
  }
}

async function readAll(stdin: CommandContext['stdin']): Promise<Buffer> {
  if (stdin === null) throw new CommandError('no data is given: as an argument, with --file, or on standard input', exitCodes.unusable);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > inputBytesMax) throw new CommandError(`the data has more than ${inputBytesMax} bytes`, exitCodes.failure);
  }
  return Buffer.concat(chunks);
}
