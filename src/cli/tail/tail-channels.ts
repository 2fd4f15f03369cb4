import type { CommandContext } from '../command-context.js';
import { CommandError } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import { openRemote } from '../remote.js';
import type { RemoteOptions } from '../remote.js';
import { Following } from './following.js';
import { openTailWriter } from './tail-writer.js';

export interface TailOptions extends RemoteOptions {
  readonly path?: string;
  readonly type?: readonly string[];
  readonly attribute?: Readonly<Record<string, string>>;
  readonly until?: readonly string[];
  readonly since?: string;
  readonly rewind?: number;
  readonly lastEventId?: string;
  readonly count?: number;
  readonly json?: true;
  readonly positions?: true;
  readonly failOnGap?: true;
  /** Seconds. */
  readonly silence: number;
}

/** Follows channels until something ends it; the exit code. */
export async function tailChannels(channels: readonly string[], options: TailOptions, context: CommandContext): Promise<number> {
  const remote = openRemote(options, context.env);
  const writer = openTailWriter(context.terminal, options);
  const following = new Following({
    remote,
    address: addressOf(channels, options),
    lastEventId: options.lastEventId ?? null,
    silenceMs: options.silence * 1_000,
    stop: context.listenForInterrupt(),
    writer,
    countMax: options.count ?? Number.POSITIVE_INFINITY,
    failsOnGap: options.failOnGap === true,
  });
  const end = await following.run();
  await writer.end(end.code, end.sentence, following.position);
  return end.exitCode;
}

/** Path and query. `format=envelope` tells the channels of one stream apart. */
export function addressOf(channels: readonly string[], options: Omit<TailOptions, 'silence'>): string {
  const { path, type = [], attribute = {}, until = [], since, rewind, lastEventId } = options;
  if (path !== undefined && channels.length > 0)
    throw new CommandError('--path and channels are both given: one must go', exitCodes.unusable);
  if (path === undefined && channels.length === 0) throw new CommandError('no channel is given', exitCodes.unusable);
  if (path !== undefined && !/^\/[^?#]*$/.test(path))
    throw new CommandError('--path must begin with a slash and have no query', exitCodes.unusable);
  if (lastEventId !== undefined && !/^[A-Za-z0-9._~-]+$/.test(lastEventId)) {
    throw new CommandError('--last-event-id is not a position', exitCodes.unusable);
  }
  const query = new URLSearchParams();
  for (const channel of channels) query.append('channel', channel);
  for (const one of type) query.append('type', one);
  for (const one of until) query.append('until', one);
  for (const [name, value] of Object.entries(attribute)) query.append(name, value);
  if (since !== undefined) query.set('since', since);
  if (rewind !== undefined) query.set('rewind', String(rewind));
  query.set('format', 'envelope');
  return `${path ?? '/v1/events'}?${query.toString()}`;
}
