import { closeCatalogue } from '../protocol/close-catalogue.js';
import type { CloseCode } from '../protocol/close-catalogue.js';
import { encodeControl, encodeRetry } from '../protocol/control-frames.js';
import { errorCatalogue } from '../protocol/error-catalogue.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';

/** The close code that stands for a refusal from which a client should come back; null for refusals that are final. */
export function softCodeOf(code: ErrorCode): CloseCode | null {
  if (code === 'overloaded' || code === 'too-many-streams' || code === 'rate-limited') return code;
  return errorCatalogue[code].status === 503 ? 'not-ready' : null;
}

/**
 * A whole stream that only says when to come back: `retry:` and `selvage.close`. A native EventSource gives up for good on any status but
 * 200, and this is what it understands. The time is spread over 50 to 150 % of its base, so that those refused together do not return together.
 */
export function encodeSoftRefusal(code: CloseCode, retryAfterMs: number, random: number): Uint8Array {
  const { reconnect, retryMs: baseMs } = closeCatalogue[code];
  const retryMs = Math.round(Math.max(baseMs, retryAfterMs) * (0.5 + random));
  return Buffer.concat([encodeRetry(retryMs), encodeControl('selvage.close', { code, reconnect, retryMs })]);
}
