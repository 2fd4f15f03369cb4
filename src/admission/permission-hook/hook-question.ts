import { createHash } from 'node:crypto';
import type { ResolvedStream } from '../named-streams/resolve-named-stream.js';
import type { Principal } from '../principal.js';

/** What the other side is asked: the body of the request, and what answers to it are remembered by. */
export interface HookQuestion {
  readonly body: string;
  readonly key: string;
}

/** Claims that differ from token to token and say nothing of who asks. */
const ofTheToken = new Set(['iat', 'exp', 'nbf', 'jti']);

/** `{subject, tenant, claims, stream, parameters, channels}`; no token and no ticket is ever in it. */
export function askAbout(
  { stream, channels }: Pick<ResolvedStream, 'stream' | 'channels'>,
  { subject, tenant, claims }: Principal,
  parameters: Readonly<Record<string, string>>,
): HookQuestion {
  const told = Object.entries(claims)
    .filter(([name]) => !ofTheToken.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const body = JSON.stringify({ subject, tenant, claims: Object.fromEntries(told), stream: stream.name, parameters, channels });
  return { body, key: createHash('sha256').update(body).digest('base64') };
}
