import type { AdmissionRefusal, Authenticator } from '../admission/authenticator.js';
import type { Principal } from '../admission/principal.js';
import type { ResolvedStream } from '../admission/named-streams/resolve-named-stream.js';
import type { StreamLimits } from '../admission/stream-limits.js';
import type { StreamRegistry } from '../admission/stream-registry.js';
import type { RequestSnapshot } from '../protocol/request-snapshot.js';

/** What somebody else says of a stream that a token cannot tell. */
export type Permission = 'allowed' | 'forbidden' | 'unknown' | AdmissionRefusal;

/** Who may read what, and how much: what the request story asks of admission. */
export interface StreamGate {
  readonly authenticator: Authenticator;
  /** Somebody without a token, for streams that ask for none. */
  readonly anonymous: Principal;
  readonly limits: Pick<StreamLimits, 'admitStream'>;
  /** The open streams, where commands find them. */
  readonly registry: Pick<StreamRegistry, 'add'>;
  /** Asked for streams with `permission: hook`. */
  permit(stream: ResolvedStream, principal: Principal, pathParameters: RequestSnapshot['pathParameters']): Promise<Permission> | Permission;
  /** Unique over all nodes. */
  newStreamId(): string;
}

/** What is wrong with reading these channels; null: nothing. Channels are named, so that whoever asks can put it right. */
export function findForbidden(channels: readonly string[], { subject, read }: Principal): AdmissionRefusal | null {
  const forbidden = channels.filter((channel) => !read.allows(channel));
  if (forbidden.length === 0) return null;
  const detail = `May not be read: ${forbidden.join(', ')}.`;
  if (subject !== null) return { code: 'channel-forbidden', detail };
  return { code: 'token-missing', detail, headers: { 'WWW-Authenticate': 'Bearer realm="selvage"' } };
}
