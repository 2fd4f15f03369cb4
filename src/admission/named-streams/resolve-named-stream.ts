import { isChannelName } from '../../protocol/channel-name.js';
import type { AdmissionRefusal } from '../authenticator.js';
import { tokenMissing } from '../identity/refusals.js';
import type { Principal } from '../principal.js';
import { fillData } from './data-template.js';
import type { ConfiguredEvent, NamedStream } from './named-stream.js';
import { fillChannel, type StreamCaller, type StreamValue } from './stream-template.js';

/** An event of the stream's own for one caller; its data is made at the moment of sending. */
export interface BoundEvent {
  readonly type: string;
  readonly data: (nowMs: number) => object;
}

/** A named stream for one caller. */
export interface ResolvedStream {
  readonly stream: NamedStream;
  /** Sorted, no repeats. */
  readonly channels: readonly string[];
  readonly greeting: BoundEvent | null;
  readonly heartbeat: (BoundEvent & { readonly everyMs: number }) | null;
  readonly timeout: (BoundEvent & { readonly afterMs: number }) | null;
  readonly unknown: BoundEvent | null;
}

export type StreamResolution =
  { readonly kind: 'resolved'; readonly resolved: ResolvedStream } | { readonly kind: 'refused'; readonly refusal: AdmissionRefusal };

/**
 * The stream for one caller: its channels, and whether the caller's token lets it read them. Pure. Where `permission` is `hook`, that is still to be
 * asked.
 */
export function resolveNamedStream(
  stream: NamedStream,
  pathParameters: Readonly<Record<string, string>>,
  principal: Principal,
): StreamResolution {
  const isAnonymous = principal.subject === null;
  if (stream.auth === 'required' && isAnonymous) return refused(tokenMissing('This stream needs a token.'));
  const caller: StreamCaller = { pathParameters, principal };
  const channels: string[] = [];
  for (const template of stream.channels) {
    const channel = fillChannel(template, caller);
    if (typeof channel !== 'string') return refused({ code: 'channel-forbidden', detail: `The token has no ${nameOf(channel.missing)}.` });
    if (!isChannelName(channel)) return refused({ code: 'invalid-channel', detail: 'The address makes a channel that is too long.' });
    channels.push(channel);
  }
  if (stream.permission === 'token') {
    const forbidden = channels.filter((channel) => !principal.read.allows(channel));
    if (forbidden.length > 0) {
      const detail = `May not be read: ${forbidden.join(', ')}.`;
      return refused(isAnonymous ? tokenMissing(detail) : { code: 'channel-forbidden', detail });
    }
  }
  const { greeting, heartbeat, timeout, unknown } = stream;
  const resolved: ResolvedStream = {
    stream,
    channels: [...new Set(channels)].sort(),
    greeting: bind(greeting, caller),
    heartbeat: heartbeat === null ? null : { ...bindEvent(heartbeat, caller), everyMs: heartbeat.everyMs },
    timeout: timeout === null ? null : { ...bindEvent(timeout, caller), afterMs: timeout.afterMs },
    unknown: bind(unknown, caller),
  };
  return { kind: 'resolved', resolved };
}

const refused = (refusal: AdmissionRefusal): StreamResolution => ({ kind: 'refused', refusal });

const bind = (event: ConfiguredEvent | null, caller: StreamCaller): BoundEvent | null => (event === null ? null : bindEvent(event, caller));

const bindEvent = ({ type, data }: ConfiguredEvent, caller: StreamCaller): BoundEvent => ({
  type,
  data: (nowMs) => fillData(data, caller, nowMs) as object,
});

function nameOf(value: StreamValue): string {
  return value.kind === 'claim' ? `claim ${value.name} that can name a channel` : 'value that this channel needs';
}
