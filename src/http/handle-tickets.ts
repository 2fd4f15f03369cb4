import type { AdmissionRefusal } from '../admission/authenticator.js';
import type { Principal } from '../admission/principal.js';
import type { IssuedTicket, TicketRequest } from '../admission/tickets/tickets.js';
import { isChannelName } from '../protocol/channel-name.js';
import type { Clock } from '../std/clock.js';
import type { PostContext } from './create-post.js';
import type { Exchange } from './exchange.js';
import type { Problem } from './problem.js';
import { createSmallPost, parseJsonObject } from './small-post.js';
import type { JsonFields, SmallAnswer } from './small-post.js';

export interface TicketsContext extends PostContext {
  /** Checks what the caller may read, and makes the ticket. */
  readonly issue: (principal: Principal, request: TicketRequest) => Promise<IssuedTicket>;
  /** Channels of the named stream at this address for this caller; null: there is no such stream. */
  readonly channelsOf: (
    path: string,
    principal: Principal,
  ) => Promise<readonly string[] | AdmissionRefusal | null> | readonly string[] | AdmissionRefusal | null;
  readonly channelsMax: number;
  readonly clock: Clock;
}

export const ticketFields = new Set(['channels', 'stream', 'origin']);
const pathBytesMax = 2_048;
const originShape = /^https?:\/\/[^/\s?#]{1,253}$/;

/**
 * `POST /v1/tickets` with a bearer, of `{"channels": […]}` or `{"stream": "/path"}`: a ticket for an `EventSource`, which can send no header. It is bound to the request's
 * `Origin`; a server that asks for the page that it renders names that page's as `"origin"`. 200 with `ticket`, `expiresInMs` (to open the stream) and
 * `returnsForMs` (to bring it back).
 */
export function createTicketsHandler(context: TicketsContext): (exchange: Exchange) => void {
  return createSmallPost(context, 'a ticket', (exchange, principal, body) => issue(exchange, principal, body, context));
}

async function issue(exchange: Exchange, principal: Principal, body: Uint8Array, context: TicketsContext): Promise<SmallAnswer> {
  if (principal.via !== 'bearer') {
    const headers = { 'WWW-Authenticate': 'Bearer realm="selvage"' };
    return { code: 'token-missing', detail: 'Tickets are made from a bearer token.', headers };
  }
  const parsed = parseJsonObject(exchange, body);
  if (parsed.kind === 'problem') return parsed.problem;
  const { fields } = parsed;
  const origin = readOrigin(fields['origin'], exchange.request.headers.get('origin'));
  if (typeof origin !== 'string' && origin !== null) return origin;
  const channels = await readChannels(fields, principal, context);
  if (!(channels instanceof Array)) return channels;
  const issued = await context.issue(principal, { channels, origin });
  if (issued.kind === 'refused') return issued.refusal;
  const nowMs = context.clock.nowMs();
  return {
    status: 200,
    value: {
      ticket: issued.ticket,
      expiresInMs: Math.max(0, issued.usableUntilMs - nowMs),
      returnsForMs: Math.max(0, issued.expiresAtMs - nowMs),
    },
  };
}

async function readChannels(root: JsonFields, principal: Principal, context: TicketsContext): Promise<readonly string[] | Problem> {
  const { channels, stream } = root;
  const unknown = Object.keys(root).find((name) => !ticketFields.has(name));
  if (unknown !== undefined)
    return malformed(`There is no field ${JSON.stringify(unknown.slice(0, 40))}; known are channels, stream and origin.`);
  if ((channels === undefined) === (stream === undefined)) return malformed('Either "channels" or "stream" is needed.');
  if (stream !== undefined) {
    if (typeof stream !== 'string' || !stream.startsWith('/') || stream.length > pathBytesMax) return malformed('"stream" must be a path.');
    const found = await context.channelsOf(stream, principal);
    return found ?? { code: 'not-found', detail: 'There is no stream at this path.' };
  }
  if (!Array.isArray(channels) || channels.length === 0) return { code: 'missing-channel', detail: '"channels" must name at least one.' };
  const { channelsMax } = context;
  if (channels.length > channelsMax)
    return { code: 'too-many-channels', detail: `A ticket is for at most ${channelsMax} channels.`, limit: channelsMax };
  const names = channels.filter((name): name is string => typeof name === 'string' && isChannelName(name));
  if (names.length < channels.length)
    return { code: 'invalid-channel', detail: 'A channel is a text of 1 to 255 bytes without control characters.' };
  return names;
}

/** The origin that the ticket is bound to. A page cannot choose it: what its browser says counts. */
function readOrigin(named: unknown, header: string | undefined): string | null | Problem {
  if (named === undefined) return header ?? null;
  if (typeof named !== 'string' || !originShape.test(named))
    return malformed('"origin" must be an origin such as https://app.example.com.');
  if (header !== undefined && header !== named) return { code: 'origin-forbidden', detail: 'A page gets tickets for its own origin only.' };
  return named;
}

const malformed = (detail: string): Problem => ({ code: 'malformed-request', detail });
