import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createAuthenticator, type Identity } from './admission/identity/create-authenticator.js';
import { Limits } from './admission/limits/limits.js';
import { MemoryTicketBook } from './admission/memory/memory-ticket-book.js';
import { RedisLeases } from './admission/redis/redis-leases.js';
import { RedisTicketBook } from './admission/redis/redis-ticket-book.js';
import { PermissionHook } from './admission/permission-hook/permission-hook.js';
import { RevocationList } from './admission/revocation/revocation-list.js';
import { StreamRegistry } from './admission/stream-registry.js';
import { Tickets } from './admission/tickets/tickets.js';
import {
  controlOptionsOf,
  identityOptionsOf,
  limitOptionsOf,
  permissionHookOptionsOf,
  ticketOptionsOf,
  tokenLifetimeMsOf,
} from './compose-options.js';
import type { Config } from './config/config.js';
import { Control } from './control/control.js';
import type { EventLog } from './log/event-log.js';
import type { RedisConnection } from './redis/redis-connection.js';
import type { Environment } from './std/clock.js';
import type { StreamGate } from './subscribe/stream-gate.js';
import type { Logger } from './telemetry/logger.js';
import type { Metrics } from './telemetry/metrics.js';

/** What everything that lives long is given. */
export interface Surroundings {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Who may read what, and how much: everything that a request passes before the hub has it. */
export interface Admission {
  readonly identity: Identity;
  /** Null: there are none here. */
  readonly tickets: Tickets | null;
  readonly limits: Limits;
  readonly registry: StreamRegistry;
  readonly control: Control<RevocationList>;
  readonly gate: StreamGate;
  stop(): Promise<void>;
}

/** Makes it; `onState` hears whether all that was revoked is known here. Rejects for keys and secrets that cannot be used. */
export async function startAdmission(
  config: Config,
  log: EventLog,
  redis: RedisConnection | null,
  { environment, logger, metrics }: Surroundings,
  onState: (isMet: boolean, reason: string) => void,
): Promise<Admission> {
  const { clock } = environment;
  const tokenLifetimeMs = tokenLifetimeMsOf(config);
  const revocations = new RevocationList({ entriesMax: config.control.revocationsMax, tokenLifetimeMs }, clock, metrics);
  const ticketOptions = ticketOptionsOf(config);
  const book = redis === null ? new MemoryTicketBook(clock) : new RedisTicketBook(redis, config.redis.prefix, clock);
  const tickets = ticketOptions === null ? null : new Tickets({ ...ticketOptions, book, environment, logger, metrics });
  const isRevoked = revocations.isRevoked.bind(revocations);
  const identity = createAuthenticator({ ...identityOptionsOf(config), tickets, isRevoked, environment, logger, metrics });
  const registry: StreamRegistry = new StreamRegistry({
    environment,
    logger,
    isRevoked,
    renewedPrincipal: ({ claims, tokenId }, { via }) => identity.principalFromClaims(claims, tokenId, via),
  });
  const control = new Control({
    options: controlOptionsOf(config),
    log,
    revocations,
    streams: registry,
    onState,
    environment,
    metrics,
    logger,
  });
  const options = limitOptionsOf(config);
  const limits = new Limits({
    options,
    shared: redis === null ? null : new RedisLeases({ ...options, prefix: config.redis.prefix }, { redis, environment, logger, metrics }),
    isOnlyNode: config.isEmbedded,
    environment,
    logger,
    metrics,
    evict: (streamIds, code) => {
      registry.evict({ streamIds }, code);
      if (code !== 'replaced') return;
      control.sender
        .send({ kind: 'evict', streamIds })
        .catch((error: unknown) => logger.warn('streams of other nodes were not told to make room', { error }));
    },
  });
  await Promise.all([identity.start(), tickets?.start()]);
  const gate: StreamGate = {
    authenticator: identity,
    anonymous: identity.anonymous,
    limits,
    registry,
    permit: createPermit(config, { environment, logger, metrics }),
    newStreamId: createStreamIds(),
  };
  const stop = async (): Promise<void> => {
    control.stop();
    identity.stop();
    tickets?.stop();
    await limits.stop();
  };
  return { identity, tickets, limits, registry, control, gate, stop };
}

const streamIdBytes = 12;
const streamIdsADraw = 256;

/** Random names; drawn many at a time, because each draw is a call that costs more than all else of a name. */
function createStreamIds(): () => string {
  const pool = Buffer.alloc(streamIdBytes * streamIdsADraw);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    return pool.toString('base64url', at, (at += streamIdBytes));
  };
}

/** Asks the configured application; streams that need it are refused at start where there is none. */
function createPermit(config: Config, surroundings: Surroundings): StreamGate['permit'] {
  const options = permissionHookOptionsOf(config);
  if (options === null) {
    return () => ({ code: 'permission-unavailable', detail: 'Nobody can be asked for this permission.', retryAfterSeconds: 5 });
  }
  const { secret } = config.auth.permissionHook;
  const file = config.secretFiles['auth.permissionHook.secret'];
  const readSecret = (): string | null => (file === undefined ? secret : readFileSync(file, 'utf8').trim());
  const hook = new PermissionHook({ options, readSecret, ...surroundings });
  return (stream, principal, pathParameters) => hook.ask(stream, principal, pathParameters);
}

/** The secrets of the admin port, read again from their file at each call; none: whoever reaches the port may use it. */
export function readAdminTokens({ admin, secretFiles }: Config): readonly string[] {
  const file = secretFiles['admin.token'];
  if (file === undefined) return admin.token === null ? [] : [admin.token];
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? [admin.token ?? ''] : [text];
  } catch {
    return [admin.token ?? ''];
  }
}
