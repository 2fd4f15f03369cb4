import type { ControlSender, DisconnectCommand } from '../control/control-command.js';
import { isChannelName } from '../protocol/channel-name.js';
import type { Clock } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { AdminExchange } from './admin-exchange.js';

export interface DisconnectContext {
  readonly sender: ControlSender;
  /** Longest lifetime of a token. */
  readonly tokenLifetimeMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Longest body of a POST to the admin port. */
export const adminBodyBytesMax = 16_384;
/** So long may a token be accepted after it expired, for clocks that differ. */
const toleranceMs = 300_000;
const textMax = 1_024;
const fields = new Set(['subject', 'tokenId', 'channel', 'reason']);
const decoder = new TextDecoder('utf-8', { fatal: true });

interface Asked {
  readonly match: Pick<DisconnectCommand, 'subject' | 'tokenId' | 'channel'>;
  readonly reason: string | null;
}

/**
 * `POST /v1/disconnect` of `{subject?, tokenId?, channel?, reason?}`: ends the streams that match every field given, on all nodes. A `tokenId` is refused from now on until it
 * expires; a `subject` without one has all its tokens refused that were issued until now; a `channel` alone refuses none. `reason` goes to the log only. 200: it is in
 * the control topic, so every node gets it or reads it back.
 */
export async function disconnect(exchange: AdminExchange, context: DisconnectContext): Promise<void> {
  if (!/^application\/json *(;|$)/i.test(exchange.header('content-type') ?? '')) {
    return exchange.refuse({ code: 'unsupported-media-type', detail: 'The body must be application/json.', closeConnection: true });
  }
  const body = await exchange.readBody(adminBodyBytesMax);
  if (!(body instanceof Uint8Array)) return exchange.refuse(body);
  const asked = parseDisconnect(body);
  if (typeof asked === 'string') return exchange.refuse({ code: 'malformed-request', detail: asked });
  const atMs = context.clock.nowMs();
  const command: DisconnectCommand = { kind: 'disconnect', ...asked.match, atMs, untilMs: atMs + context.tokenLifetimeMs + toleranceMs };
  try {
    await context.sender.send(command);
  } catch (error) {
    context.logger.error('a disconnect did not get into the control topic', { error });
    return exchange.refuse({
      code: 'log-unavailable',
      detail: 'The control topic did not confirm the command; asking again is harmless.',
      retryAfterSeconds: 1,
    });
  }
  const { subject, channel, tokenId } = asked.match;
  context.logger.info('a disconnect was sent to all nodes', { subject, channel, byTokenId: tokenId !== undefined, reason: asked.reason });
  exchange.answerJson({ sent: command });
}

/** What is asked for, or what is wrong with it. A field that is misspelled must not make the match wider. */
function parseDisconnect(body: Uint8Array): Asked | string {
  let root: unknown;
  try {
    root = JSON.parse(decoder.decode(body));
  } catch {
    return 'The body is not JSON in UTF-8.';
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root)) return 'The body must be an object.';
  const unknown = Object.keys(root).find((name) => !fields.has(name));
  if (unknown !== undefined)
    return `There is no field ${JSON.stringify(unknown.slice(0, 40))}; known are subject, tokenId, channel and reason.`;
  for (const [name, value] of Object.entries(root)) {
    if (typeof value !== 'string' || value === '' || value.length > textMax)
      return `"${name}" must be a text of 1 to ${textMax} characters.`;
  }
  const { subject, tokenId, channel, reason } = root as { readonly [name: string]: string | undefined };
  if (subject === undefined && tokenId === undefined && channel === undefined) return 'One of subject, tokenId and channel is needed.';
  if (channel !== undefined && !isChannelName(channel)) return '"channel" is no name of a channel.';
  return {
    match: {
      ...(subject === undefined ? {} : { subject }),
      ...(tokenId === undefined ? {} : { tokenId }),
      ...(channel === undefined ? {} : { channel }),
    },
    reason: reason ?? null,
  };
}
