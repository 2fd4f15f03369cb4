import type { CloseCode } from '../protocol/close-catalogue.js';
import { BoundedCache } from '../std/bounded-cache.js';
import type { Environment } from '../std/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Principal } from './principal.js';
import { refuses } from './revocation/revocation.js';
import type { TokenFacts } from './revocation/revocation.js';
import { visitInSlices } from './visit-in-slices.js';

/** What the registry may do to a stream. */
export interface StreamControl {
  close(code: CloseCode): void;
  /** Goes on with a fresh token of the same subject; to end the stream where that grants less is its own affair. */
  renew(principal: Principal): void;
  /** Where its reader is, for people. */
  readonly state?: string;
}

/** An open stream as it is registered. */
export interface OpenStream {
  /** Unique over all nodes; see `isStreamId`. */
  readonly id: string;
  readonly principal: Principal;
  readonly channels: readonly string[];
  /** Wall clock. */
  readonly openedAtMs: number;
  readonly control: StreamControl;
}

/** Fields of a disconnect command: the streams that match every one that is given. */
export interface StreamMatch {
  readonly subject?: string;
  readonly tokenId?: string;
  readonly channel?: string;
  readonly atMs: number;
}

/** Fields of a renewal: a fresh token, verified by the node that was asked. */
export interface StreamRenewal {
  readonly streamId: string;
  readonly subject: string;
  readonly tokenId: string;
  readonly issuedAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** One stream for people: never a token. */
export interface StreamSummary {
  readonly id: string;
  readonly channels: number;
  readonly ageMs: number;
  readonly via: Principal['via'];
  /** Until its token does; null: never. */
  readonly expiresInMs: number | null;
  readonly state: string | null;
}

export interface StreamRegistryParts {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly isRevoked: (token: TokenFacts) => boolean;
  /** Makes the grants anew from verified claims; null when they no longer do. */
  readonly renewedPrincipal: (renewal: StreamRenewal, present: Principal) => Principal | null;
}

/** A command that comes late (after a hole of the log) must not end streams that were opened after it; clocks of nodes may differ by this much. */
const clockSlackMs = 60_000;
/** Channels that wait to be looked for; more are looked for at once, whatever that takes: none may be forgotten. */
const channelsWaitingMax = 10_000;

/** Streams told to go before they were here that are remembered; at most twice as many. */
const goneEarlyMax = 10_000;

const streamIdShape = /^[A-Za-z0-9._~-]{8,64}$/;

/** Whether the text can be the id of a stream: 8 to 64 of A-Z a-z 0-9 . _ ~ - */
export const isStreamId = (text: string): boolean => streamIdShape.test(text);

/** A stream whose token may change. */
type Entry = { -readonly [Field in keyof OpenStream]: OpenStream[Field] };

/** The open streams of this node, to be found by id, subject and token without looking at the others. */
export class StreamRegistry {
  readonly #parts: StreamRegistryParts;
  readonly #byId = new Map<string, Entry>();
  readonly #bySubject = new Map<string, Set<Entry>>();
  readonly #byToken = new Map<string, Set<Entry>>();
  /**
   * Streams that were told to go and were not here. Most are other nodes'; but one that has its place and still looks for its beginning counts for
   * those that come after it, and would stay for ever, uncounted, if it were not told when it is here.
   */
  readonly #goneEarly = new BoundedCache<string, CloseCode>(goneEarlyMax);
  /** Channels whose streams are to be ended, and when that was asked. */
  #channels = new Map<string, number>();
  #isSweeping = false;

  constructor(parts: StreamRegistryParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Registers a stream until the returned function is called. One whose token was revoked between its admission and this, or that had to make room meanwhile, is
   * closed in the next turn. Throws when the id is taken.
   */
  add(stream: OpenStream): () => void {
    if (this.#byId.has(stream.id)) throw new Error(`there is a stream ${stream.id} already`);
    const entry: Entry = { ...stream };
    this.#byId.set(entry.id, entry);
    this.#index(entry);
    const { environment, isRevoked } = this.#parts;
    const code = isRevoked(entry.principal) ? 'revoked' : this.#goneEarly.get(entry.id);
    if (code !== undefined) environment.timers.soon(() => this.#close(entry, code));
    return () => {
      if (this.#byId.get(entry.id) !== entry) return;
      this.#byId.delete(entry.id);
      this.#unindex(entry);
    };
  }

  /** The stream as it is now. */
  find(id: string): OpenStream | undefined {
    return this.#byId.get(id);
  }

  /**
   * Ends the streams that match, with `revoked`. Those of a subject are spared when their token was issued after the command: the caller has signed in again. A command
   * that names a channel alone looks at every stream, some in each turn; several such look together.
   */
  disconnect(match: StreamMatch): void {
    const { subject, tokenId, channel, atMs } = match;
    const found = tokenId !== undefined ? this.#byToken.get(tokenId) : subject !== undefined ? this.#bySubject.get(subject) : null;
    if (found === null) {
      if (channel !== undefined) this.#disconnectChannel(channel, atMs);
      return;
    }
    if (found === undefined) return;
    const visit = (entry: Entry): void => {
      if (!wasOpen(entry, atMs) || !refuses(match, entry.principal)) return;
      if (channel === undefined || entry.channels.includes(channel)) this.#close(entry);
    };
    void visitInSlices([...found], found.size, visit, this.#parts.environment.timers);
  }

  /** Ends the streams that made room for others, or that were one too many. */
  evict({ streamIds }: { readonly streamIds: readonly string[] }, code: 'replaced' | 'too-many-streams' = 'replaced'): void {
    for (const id of streamIds) {
      const entry = this.#byId.get(id);
      if (entry === undefined) this.#goneEarly.set(id, code);
      else this.#close(entry, code);
    }
  }

  /** Lets a stream of this node go on with a fresh token; false when it is not here, is another subject's or tenant's, or the token is older, revoked or over. */
  renew(renewal: StreamRenewal): boolean {
    const { environment, isRevoked, renewedPrincipal } = this.#parts;
    const entry = this.#byId.get(renewal.streamId);
    if (entry === undefined || entry.principal.subject !== renewal.subject) return false;
    if ((renewal.issuedAtMs ?? 0) < (entry.principal.issuedAtMs ?? 0) || isRevoked(renewal)) return false;
    if (renewal.expiresAtMs !== null && renewal.expiresAtMs <= environment.clock.nowMs()) return false;
    const principal = renewedPrincipal(renewal, entry.principal);
    if (principal === null || principal.subject !== renewal.subject) return false;
    // The same subject of another tenant is somebody else, to limits too.
    if (principal.tenant !== entry.principal.tenant) return false;
    this.#unindex(entry);
    entry.principal = principal;
    this.#index(entry);
    entry.control.renew(principal);
    return true;
  }

  /** At most `countMax` streams of a subject, the oldest first, and how many there are. */
  listOf(subject: string, countMax: number): { readonly streams: readonly StreamSummary[]; readonly total: number } {
    const nowMs = this.#parts.environment.clock.nowMs();
    const all = this.#bySubject.get(subject) ?? new Set();
    const streams: StreamSummary[] = [];
    for (const entry of all) {
      if (streams.length >= countMax) break;
      streams.push(summaryOf(entry, nowMs));
    }
    return { streams, total: all.size };
  }

  #disconnectChannel(channel: string, atMs: number): void {
    if (this.#channels.size >= channelsWaitingMax) {
      const full = this.#takeChannels();
      for (const entry of this.#byId.values()) this.#closeIfIn(entry, full);
    }
    this.#channels.set(channel, Math.max(atMs, this.#channels.get(channel) ?? 0));
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    // Whatever comes in one batch is looked for together.
    this.#parts.environment.timers.soon(() => void this.#sweep());
  }

  async #sweep(): Promise<void> {
    while (this.#channels.size > 0) {
      const channels = this.#takeChannels();
      await visitInSlices(
        this.#byId.values(),
        this.#byId.size,
        (entry) => this.#closeIfIn(entry, channels),
        this.#parts.environment.timers,
      );
    }
    this.#isSweeping = false;
  }

  #takeChannels(): ReadonlyMap<string, number> {
    const taken = this.#channels;
    this.#channels = new Map();
    return taken;
  }

  #closeIfIn(entry: Entry, channels: ReadonlyMap<string, number>): void {
    for (const channel of entry.channels) {
      const atMs = channels.get(channel);
      if (atMs !== undefined && wasOpen(entry, atMs)) return this.#close(entry);
    }
  }

  /** One stream that cannot be closed must not keep the others open. */
  #close(entry: Entry, code: CloseCode = 'revoked'): void {
    if (this.#byId.get(entry.id) !== entry) return;
    try {
      entry.control.close(code);
    } catch (error) {
      this.#parts.logger.error('a stream could not be closed', { stream: entry.id, code, error });
    }
  }

  #index(entry: Entry): void {
    const { subject, tokenId } = entry.principal;
    if (subject !== null) addTo(this.#bySubject, subject, entry);
    if (tokenId !== null) addTo(this.#byToken, tokenId, entry);
  }

  #unindex(entry: Entry): void {
    const { subject, tokenId } = entry.principal;
    if (subject !== null) deleteFrom(this.#bySubject, subject, entry);
    if (tokenId !== null) deleteFrom(this.#byToken, tokenId, entry);
  }
}

const wasOpen = ({ openedAtMs }: Entry, atMs: number): boolean => openedAtMs <= atMs + clockSlackMs;

function summaryOf({ id, channels, openedAtMs, principal, control }: Entry, nowMs: number): StreamSummary {
  const { via, expiresAtMs } = principal;
  const expiresInMs = expiresAtMs === null ? null : Math.max(0, expiresAtMs - nowMs);
  return { id, channels: channels.length, ageMs: Math.max(0, nowMs - openedAtMs), via, expiresInMs, state: control.state ?? null };
}

function addTo(index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, new Set([entry]));
  else known.add(entry);
}

function deleteFrom(index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  const known = index.get(key);
  known?.delete(entry);
  if (known?.size === 0) index.delete(key);
}
