import { overlapPauseFactor } from '../limits/leases.js';
import type {
  HeldLease,
  HeldLeases,
  Judgement,
  LeaseAnswer,
  LeaseAsk,
  LimitName,
  Refused,
  SharedLeases,
  TenantPlace,
} from '../limits/leases.js';
import type { LimitOptions } from '../limits/limit-options.js';
import { defaultLapseMs } from '../limits/limit-options.js';
import type { Owner } from '../limits/owner.js';
import { tokenMs } from '../limits/rate.js';
import type { Rate } from '../limits/rate.js';
import type { RedisConnection } from '../../redis/redis-connection.js';
import type { Environment } from '../../std/clock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { LeaseUpkeep } from './lease-upkeep.js';
import { LimitKeys } from './limit-keys.js';
import { readLimitScripts } from './limit-scripts.js';
import { NodeBeat } from './node-beat.js';

export interface RedisLeasesOptions extends LimitOptions {
  /** Begins every key. */
  readonly prefix: string;
  /** What nobody gives back is gone after this, milliseconds; leases that live longer are renewed at half of it. Default 1 800 000. */
  readonly leaseTtlMs?: number;
}

export interface RedisLeasesParts {
  /** Closed by whoever made it. */
  readonly redis: RedisConnection;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const defaultLeaseTtlMs = 1_800_000;

/**
 * Leases and budgets of all nodes in Redis (also a Cluster). A connect is one script call for its user, one more for its tenant where tenants
 * have limits; a close is one command (and one call for the tenant); a publish one call each; events cost nothing. Everything rejects when
 * Redis does not answer.
 */
export class RedisLeases implements SharedLeases {
  readonly #options: RedisLeasesOptions;
  readonly #redis: RedisConnection;
  readonly #keys: LimitKeys;
  readonly #scripts = readLimitScripts();
  readonly #lapseMs: number;
  readonly #ttlMs: number;
  readonly #beat: NodeBeat;
  readonly #upkeep: LeaseUpkeep;
  #held: HeldLeases | null = null;

  constructor(options: RedisLeasesOptions, { redis, environment, logger, metrics }: RedisLeasesParts) {
    this.#options = options;
    this.#redis = redis;
    this.#keys = new LimitKeys(options.prefix);
    this.#lapseMs = options.lapseMs ?? defaultLapseMs;
    this.#ttlMs = options.leaseTtlMs ?? defaultLeaseTtlMs;
    let wasUsable: boolean | null = null;
    const look = (): void => {
      const { isUsable } = this;
      if (isUsable === wasUsable) return;
      metrics.limitsShared(isUsable);
      if (isUsable) logger.info('limits hold over all nodes');
      else if (wasUsable === true) logger.warn('redis does not answer: every node holds its limits alone');
      wasUsable = isUsable;
    };
    this.#beat = new NodeBeat({
      redis,
      environment,
      script: this.#scripts.beat,
      scripts: Object.values(this.#scripts),
      key: this.#keys.nodes,
      lapseMs: this.#lapseMs,
      onBeat: (hasForgotten) => this.#upkeep.run(hasForgotten),
      onLook: look,
    });
    this.#upkeep = new LeaseUpkeep({
      environment,
      logger,
      renewAfterMs: this.#ttlMs / 2,
      register: (lease) => this.#register(lease),
      tellTenant: (tenant, count) => this.#tellTenant(tenant, count, false),
      remove: (streamId, owner) => this.#remove(streamId, owner),
      startAnew: () => this.#beat.renew(),
    });
  }

  get isUsable(): boolean {
    return this.#beat.isHeard;
  }

  start(held: HeldLeases): void {
    this.#held = held;
    this.#upkeep.start(held);
    this.#beat.start();
  }

  async acquire(ask: LeaseAsk, place: TenantPlace): Promise<LeaseAnswer> {
    const { user, tenant } = ask.owner;
    const { userStreamsMax, userConnects, tenantStreamsMax, tenantConnects } = this.#options;
    const hasUser = user !== null && (userStreamsMax > 0 || userConnects !== null);
    const hasTenant = tenant !== null && (tenantStreamsMax > 0 || tenantConnects !== null);
    const ofUser = hasUser ? await this.#acquireUser(ask, user) : null;
    if (ofUser?.kind === 'refused') return ofUser;
    // Only then, so that nobody who is at his own limit takes from his tenant, not even for a moment; and one by one, so that of many who come at
    // once each is counted with those before it, not with all.
    place.enter();
    const ofTenant = hasTenant ? await this.#tellTenant(tenant, this.#tenantCount(tenant), true) : null;
    if (ofTenant !== null) {
      // Those that asked meanwhile were counted with this one: the number is told again without it, or it would stand there until the next one.
      place.leave();
      this.#remove(ask.streamId, { user: hasUser ? user : null, tenant }).catch(() => this.doubt(ask.streamId, ask.owner));
      return ofTenant;
    }
    this.#upkeep.noteRegistered(ask.streamId);
    return ofUser ?? { kind: 'admitted', state: 'held', openedAtMs: 0, present: 0, connectsLeft: null, evicted: [] };
  }

  async judge(lease: HeldLease): Promise<Judgement> {
    const { user } = lease.owner;
    if (user === null) return 'kept';
    const { userStreamsMax, overlapMs } = this.#options;
    const args = [
      lease.streamId,
      this.#beat.living,
      userStreamsMax,
      this.#held?.olderCount(lease) ?? 0,
      this.#lapseMs,
      overlapPauseFactor * overlapMs,
    ];
    return String(await this.#redis.runScript(this.#scripts.judgeStream, [this.#keys.streams(user)], args)) as Judgement;
  }

  release({ streamId, owner }: HeldLease): void {
    this.#upkeep.noteReleased(streamId);
    if (!this.#redis.isUp) return this.doubt(streamId, owner);
    this.#remove(streamId, owner).catch(() => this.doubt(streamId, owner));
  }

  doubt(streamId: string, owner: Owner): void {
    this.#upkeep.doubt(streamId, owner);
  }

  async takePublish({ user, tenant }: Owner, events: number): Promise<Refused | null> {
    const { userPublishes, tenantPublishes } = this.#options;
    const take = (name: LimitName, key: string, rate: Rate): Promise<Refused | null> => this.#take(name, key, rate, events);
    const userKey = user === null || userPublishes === null ? null : this.#keys.userPublishes(user);
    const tenantKey = tenant === null || tenantPublishes === null ? null : this.#keys.tenantPublishes(tenant);
    const [ofUser, ofTenant] = await bothOf(
      userKey === null || userPublishes === null ? Promise.resolve(null) : take('user-publishes', userKey, userPublishes),
      tenantKey === null || tenantPublishes === null ? Promise.resolve(null) : take('tenant-publishes', tenantKey, tenantPublishes),
    );
    // Neither pays for what the other is refused.
    if (ofUser !== null && ofTenant === null && tenantKey !== null && tenantPublishes !== null)
      this.#take('tenant-publishes', tenantKey, tenantPublishes, -events).catch(() => undefined);
    if (ofTenant !== null && ofUser === null && userKey !== null && userPublishes !== null)
      this.#take('user-publishes', userKey, userPublishes, -events).catch(() => undefined);
    return ofUser ?? ofTenant;
  }

  async countStreams(users: readonly string[]): Promise<readonly number[]> {
    return Promise.all(users.map(async (user) => Number(await this.#redis.command('HLEN', this.#keys.streams(user)))));
  }

  async stop(): Promise<void> {
    this.#upkeep.stop();
    await this.#beat.stop();
  }

  async #acquireUser({ streamId, isResume }: LeaseAsk, user: string): Promise<LeaseAnswer> {
    const { userStreamsMax, userConnects, overLimit } = this.#options;
    const args = [
      streamId,
      this.#beat.tag,
      this.#beat.living,
      userStreamsMax,
      isResume ? '1' : '0',
      overLimit === 'close-oldest' ? '1' : '0',
      this.#held?.userCount(user) ?? 0,
      this.#lapseMs,
      this.#ttlMs,
      ...rateArguments(userConnects),
    ];
    const reply = await this.#redis.runScript(this.#scripts.acquireStream, [this.#keys.streams(user), this.#keys.userConnects(user)], args);
    const [what = '', present, openedAt, left, retryMs, ...evicted] = (reply as Buffer[]).map(String);
    if (what === 'fast') return tooFast('user-connects', userConnects, 1, Number(retryMs));
    if (what === 'full')
      return { kind: 'refused', by: 'user-streams', limit: userStreamsMax, present: Number(present), retryMs: Number(retryMs) };
    return {
      kind: 'admitted',
      state: what === 'overlap' ? 'overlap' : 'held',
      openedAtMs: Number(openedAt),
      present: Number(present),
      connectsLeft: userConnects === null ? null : Number(left),
      evicted,
    };
  }

  /** Tells how many streams of the tenant this node has, or asks for one more, which is in the number already. Null: it may. */
  async #tellTenant(tenant: string, count: number, asksForMore: boolean): Promise<Refused | null> {
    const { tenantStreamsMax, tenantConnects } = this.#options;
    const { tag, living } = this.#beat;
    const args = [
      tag,
      living,
      count,
      tenantStreamsMax,
      this.#lapseMs,
      this.#ttlMs,
      ...rateArguments(tenantConnects),
      asksForMore ? '1' : '0',
    ];
    const keys = [this.#keys.tenantStreams(tenant), this.#keys.tenantConnects(tenant)];
    const reply = (await this.#redis.runScript(this.#scripts.countTenant, keys, args)) as Buffer[];
    const [what = '', present, , retryMs] = reply.map(String);
    if (what === 'fast') return tooFast('tenant-connects', tenantConnects, 1, Number(retryMs));
    if (what === 'held') return null;
    return { kind: 'refused', by: 'tenant-streams', limit: tenantStreamsMax, present: Number(present), retryMs: Number(retryMs) };
  }

  async #take(by: LimitName, key: string, rate: Rate, events: number): Promise<Refused | null> {
    if (events > rate.burst) return tooFast(by, rate, events, Infinity);
    const reply = await this.#redis.runScript(this.#scripts.takeTokens, [key], [events, ...rateArguments(rate)]);
    const [isTaken, , retryMs] = reply as [number, number, Buffer];
    return isTaken === 1 ? null : tooFast(by, rate, events, Number(String(retryMs)));
  }

  async #register({ streamId, owner: { user }, openedAtMs, state }: HeldLease): Promise<void> {
    if (user === null || this.#options.userStreamsMax === 0) return;
    const args = [streamId, this.#beat.tag, Math.round(openedAtMs), state === 'overlap' ? 'o' : 'h', this.#ttlMs];
    await this.#redis.runScript(this.#scripts.registerStream, [this.#keys.streams(user)], args);
  }

  async #remove(streamId: string, { user, tenant }: Owner): Promise<void> {
    const { userStreamsMax, tenantStreamsMax } = this.#options;
    // The usual case, at each close: one command and nothing around it.
    if (user !== null && userStreamsMax > 0 && (tenant === null || tenantStreamsMax === 0)) {
      await this.#redis.command('HDEL', this.#keys.streams(user), streamId);
      return;
    }
    await bothOf(
      user === null || userStreamsMax === 0 ? Promise.resolve(null) : this.#redis.command('HDEL', this.#keys.streams(user), streamId),
      tenant === null || tenantStreamsMax === 0 ? Promise.resolve(null) : this.#tellTenant(tenant, this.#tenantCount(tenant), false),
    );
  }

  #tenantCount(tenant: string): number {
    return this.#held?.tenantCount(tenant) ?? 0;
  }
}

const tooFast = (by: LimitName, rate: Rate | null, present: number, retryMs: number): Refused => ({
  kind: 'refused',
  by,
  limit: rate?.burst ?? 0,
  present,
  retryMs,
});

const rateArguments = (rate: Rate | null): readonly number[] => (rate === null ? [0, 0] : [tokenMs(rate), rate.burst]);

/** Waits for both, also when one fails: what is under way has an end before it is told again. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}
