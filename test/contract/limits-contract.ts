import { describe, expect, test } from 'vitest';
import type { LimitOptions } from '../../src/admission/limits/limit-options.js';
import type { Limits } from '../../src/admission/limits/limits.js';
import type { AdmissionRefusal } from '../../src/admission/authenticator.js';
import type { Principal } from '../../src/admission/principal.js';
import type { StreamLease } from '../../src/admission/stream-limits.js';
import { uniqueName } from '../platform/unique-name.js';

/** One node's limits, and what it was told to close. */
export interface LimitsNode {
  readonly limits: Limits;
  readonly evicted: { readonly streamIds: readonly string[]; readonly code: string }[];
}

export interface OpenLimits {
  /** A node; all of one `OpenLimits` share what there is to share. */
  node(): Promise<LimitsNode>;
  /** Lets so much time go by. */
  pass(ms: number): Promise<void>;
}

export type OpenLimitsWith = (options: LimitOptions) => Promise<OpenLimits>;

/** Times that the suite works with: short where time is real. */
export interface LimitTimes {
  readonly lapseMs: number;
  readonly overlapMs: number;
}

export const noLimits: LimitOptions = {
  userStreamsMax: 0,
  tenantStreamsMax: 0,
  addressStreamsMax: 0,
  overLimit: 'refuse-newest',
  overlapMs: 20_000,
  userConnects: null,
  tenantConnects: null,
  addressConnects: null,
  userPublishes: null,
  tenantPublishes: null,
  trustedProxies: [],
  addressPrefixIpv6: 64,
};

const grant = { allows: () => true };

export function principal(subject: string | null, tenant: string | null = null): Principal {
  return { subject, tenant, tokenId: null, issuedAtMs: null, expiresAtMs: null, via: 'bearer', claims: {}, read: grant, publish: grant };
}

export interface Asked {
  readonly streamId: string;
  readonly lease: StreamLease | null;
  readonly refusal: AdmissionRefusal | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Ask {
  readonly subject?: string | null;
  readonly tenant?: string | null;
  readonly address?: string;
  readonly isResume?: boolean;
  readonly streamId?: string;
}

/** Asks for a stream; a new id unless given. */
export async function open({ limits }: LimitsNode, ask: Ask = {}): Promise<Asked> {
  const { subject = 'ann', tenant = null, address = '192.0.2.1', isResume = false, streamId = uniqueName('s') } = ask;
  const answer = await limits.admitStream({ streamId, principal: principal(subject, tenant), address, isResume });
  return answer.kind === 'admitted'
    ? { streamId, lease: answer.lease, refusal: null, headers: Object.fromEntries(answer.headers) }
    : { streamId, lease: null, refusal: answer.refusal, headers: answer.refusal.headers ?? {} };
}

export async function openMany(node: LimitsNode, count: number, ask: Ask = {}): Promise<readonly Asked[]> {
  const opened: Asked[] = [];
  for (let i = 0; i < count; i++) opened.push(await open(node, ask));
  expect(opened.filter(({ lease }) => lease === null)).toEqual([]);
  return opened;
}

const told = ({ refusal }: Asked): string | null => (refusal === null ? null : `${refusal.code} ${refusal.present}/${refusal.limit}`);

/** What limits must keep, whatever holds the leases. */
export function describeLimits(name: string, openWith: OpenLimitsWith, { lapseMs, overlapMs }: LimitTimes): void {
  const start = async (options: Partial<LimitOptions>): Promise<OpenLimits & { readonly one: LimitsNode }> => {
    const opened = await openWith({ ...noLimits, lapseMs, overlapMs, storeWaitMs: 5_000, ...options });
    return { ...opened, one: await opened.node() };
  };

  // Concurrent: where time is real, most of these only wait.
  describe.concurrent(name, () => {
    test('a user has as many streams as the limit says, and one more when one is given back', async () => {
      const { one } = await start({ userStreamsMax: 3 });
      const [first] = await openMany(one, 3);
      const refused = await open(one);
      expect(told(refused)).toBe('too-many-streams 3/3');
      expect(refused.refusal?.retryAfterSeconds).toBe(Math.max(1, Math.ceil(lapseMs / 1_000)));
      first?.lease?.release();
      first?.lease?.release();
      await openMany(one, 1);
      expect(told(await open(one))).toBe('too-many-streams 3/3');
    });

    test('users, and the same subject of another tenant, do not count for each other; nobody anonymous is a user', async () => {
      const { one } = await start({ userStreamsMax: 1 });
      await openMany(one, 1, { subject: 'ann' });
      await openMany(one, 1, { subject: 'bob' });
      await openMany(one, 1, { subject: 'ann', tenant: 'acme' });
      await openMany(one, 1, { subject: '1:ann', tenant: '' });
      await openMany(one, 20, { subject: null });
      expect(told(await open(one, { subject: 'ann', tenant: 'acme' }))).toBe('too-many-streams 1/1');
    });

    test('names that would break a key are names like others', async () => {
      const { one } = await start({ userStreamsMax: 1, tenantStreamsMax: 2 });
      for (const subject of ['}{a', '{}', '*', 'ä'.repeat(300), 'a\r\nb', '\u0000']) {
        const tenant = `{${subject}}`;
        const [stream] = await openMany(one, 1, { subject, tenant });
        expect(told(await open(one, { subject, tenant }))).toBe('too-many-streams 1/1');
        stream?.lease?.release();
        await openMany(one, 1, { subject, tenant });
      }
    });

    test('where the oldest closes for the newest, it is told once, and the newest is in', async () => {
      const { one, pass } = await start({ userStreamsMax: 2, overLimit: 'close-oldest' });
      const [first, second] = await openMany(one, 2);
      const [third] = await openMany(one, 1);
      await pass(10);
      expect(one.evicted).toEqual([{ streamIds: [first?.streamId], code: 'replaced' }]);
      first?.lease?.release();
      await openMany(one, 1);
      await pass(10);
      expect(one.evicted.map(({ streamIds }) => streamIds)).toEqual([[first?.streamId], [second?.streamId]]);
      expect(third?.lease).not.toBeNull();
    });

    test('where the oldest do not close although told, there are never more than twice the limit', async () => {
      const { one } = await start({ userStreamsMax: 2, overLimit: 'close-oldest' });
      await openMany(one, 4);
      expect(told(await open(one))).toBe('too-many-streams 2/2');
    });

    test('a stream that comes back at the limit is let in, and stays when an older one has gone meanwhile', async () => {
      const { one, pass } = await start({ userStreamsMax: 2 });
      const [first] = await openMany(one, 2);
      await openMany(one, 1, { isResume: true });
      first?.lease?.release();
      await pass(overlapMs * 1.5);
      expect(one.evicted).toEqual([]);
      expect(told(await open(one))).toBe('too-many-streams 2/2');
    });

    test('one that is over the limit still is closed when its time is over, and the user gets no other for a while', async () => {
      const { one, pass } = await start({ userStreamsMax: 2 });
      await openMany(one, 2);
      const [third] = await openMany(one, 1, { isResume: true });
      await pass(overlapMs * 1.2);
      expect(one.evicted).toEqual([{ streamIds: [third?.streamId], code: 'too-many-streams' }]);
      third?.lease?.release();
      expect(told(await open(one, { isResume: true }))).toBe('too-many-streams 2/2');
      await pass(overlapMs * 3.2);
      await openMany(one, 1, { isResume: true });
    });

    test('with those that came back there are never more than twice the limit, and a new one is refused at once', async () => {
      const { one } = await start({ userStreamsMax: 2 });
      await openMany(one, 4, { isResume: true });
      expect(told(await open(one, { isResume: true }))).toBe('too-many-streams 4/2');
      expect(told(await open(one))).toBe('too-many-streams 4/2');
    });

    test('a restart of the node that all streams were on closes none of them', async () => {
      const { one, pass } = await start({ userStreamsMax: 3 });
      const old = await openMany(one, 3);
      await openMany(one, 3, { isResume: true });
      for (const { lease } of old) lease?.release();
      await pass(overlapMs * 1.5);
      expect(one.evicted).toEqual([]);
      expect(told(await open(one))).toBe('too-many-streams 3/3');
    });

    test('the users of a tenant have so many streams together, and another tenant is not disturbed', async () => {
      const { one } = await start({ tenantStreamsMax: 2, userStreamsMax: 5 });
      const [first] = await openMany(one, 1, { subject: 'ann', tenant: 'acme' });
      await openMany(one, 1, { subject: 'bob', tenant: 'acme' });
      expect(told(await open(one, { subject: 'cy', tenant: 'acme' }))).toBe('too-many-streams 2/2');
      await openMany(one, 2, { subject: 'ann', tenant: 'other' });
      await openMany(one, 3, { subject: 'ann' });
      first?.lease?.release();
      await openMany(one, 1, { subject: null, tenant: 'acme' });
      expect(told(await open(one, { subject: null, tenant: 'acme' }))).toBe('too-many-streams 2/2');
    });

    test('whoever is refused as a user takes nothing of its tenant', async () => {
      const { one } = await start({ userStreamsMax: 1, tenantStreamsMax: 2, tenantConnects: { perMinute: 0.1, burst: 2 } });
      await openMany(one, 1, { subject: 'ann', tenant: 'acme' });
      for (let i = 0; i < 10; i++) expect(told(await open(one, { subject: 'ann', tenant: 'acme' }))).toBe('too-many-streams 1/1');
      await openMany(one, 1, { subject: 'bob', tenant: 'acme' });
    });

    test('a user connects no faster than its rate, and is told when to come back', async () => {
      const { one } = await start({ userConnects: { perMinute: 1, burst: 3 } });
      for (const { lease } of await openMany(one, 3)) lease?.release();
      const refused = await open(one);
      expect(told(refused)).toBe('rate-limited 1/3');
      expect(refused.refusal?.retryAfterSeconds).toBeGreaterThan(50);
      expect(refused.refusal?.retryAfterSeconds).toBeLessThanOrEqual(60);
      await openMany(one, 1, { subject: 'bob' });
    });

    test('a tenant connects no faster than its rate', async () => {
      const { one } = await start({ tenantConnects: { perMinute: 1, burst: 2 } });
      await openMany(one, 1, { subject: 'ann', tenant: 'acme' });
      await openMany(one, 1, { subject: 'bob', tenant: 'acme' });
      expect(told(await open(one, { subject: 'cy', tenant: 'acme' }))).toBe('rate-limited 1/2');
      await openMany(one, 1, { subject: 'cy', tenant: 'other' });
    });

    test('tokens of a rate come back with time', async () => {
      const { one, pass } = await start({ userConnects: { perMinute: 60_000 / overlapMs, burst: 1 } });
      await openMany(one, 1);
      expect(told(await open(one))).toBe('rate-limited 1/1');
      await pass(overlapMs * 1.1);
      await openMany(one, 1);
    });

    test('an address has so many streams and connects on a node, whoever asks', async () => {
      const { one } = await start({ addressStreamsMax: 2, addressConnects: { perMinute: 1, burst: 4 } });
      const [first] = await openMany(one, 2, { subject: null, address: '2001:db8::1' });
      expect(told(await open(one, { address: '2001:db8::2' }))).toBe('too-many-streams 2/2');
      first?.lease?.release();
      await openMany(one, 1, { address: '2001:db8::3' });
      expect(told(await open(one, { address: '2001:db8::4' }))).toBe('rate-limited 1/4');
      await openMany(one, 1, { address: '2001:db8:0:1::1' });
    });

    test('publishing is bounded a user and a tenant, and nobody pays for what the other is refused', async () => {
      const { one } = await start({ userPublishes: { perMinute: 1, burst: 10 }, tenantPublishes: { perMinute: 1, burst: 15 } });
      const publish = async (subject: string | null, events: number, tenant: string | null = 'acme', address = '192.0.2.1') => {
        const refusal = await one.limits.admitPublish(principal(subject, tenant), address, events);
        return refusal === null ? null : `${refusal.code} ${refusal.present}/${refusal.limit}`;
      };
      expect(await publish('ann', 8)).toBeNull();
      expect(await publish('ann', 3)).toBe('rate-limited 3/10');
      expect(await publish('bob', 8)).toBe('rate-limited 8/15');
      expect(await publish('bob', 7)).toBeNull();
      expect(await publish('bob', 1)).toBe('rate-limited 1/15');
      expect(await publish('bob', 10, 'other')).toBeNull();
      expect(await publish(null, 10, null)).toBeNull();
      expect(await publish(null, 1, null)).toBe('rate-limited 1/10');
      expect(await publish(null, 1, null, '192.0.2.2')).toBeNull();
      const never = await one.limits.admitPublish(principal('cy', 'third'), '192.0.2.1', 11);
      expect(never).toMatchObject({ code: 'rate-limited', limit: 10, present: 11 });
      expect(never?.retryAfterSeconds).toBeUndefined();
    });

    test('headers state the limits and what is left of them', async () => {
      const { one } = await start({
        userStreamsMax: 2,
        userConnects: { perMinute: 60, burst: 20 },
        userPublishes: { perMinute: 60, burst: 5 },
      });
      const policy = '"streams";q=2;qu="concurrent-requests", "connects";q=20;w=20';
      const [first] = await openMany(one, 1);
      expect(first?.headers).toEqual({ 'RateLimit-Policy': policy, RateLimit: '"streams";r=1, "connects";r=19' });
      await openMany(one, 1);
      expect((await open(one)).headers).toEqual({ 'RateLimit-Policy': policy, RateLimit: '"streams";r=0' });
      expect(one.limits.publishHeaders).toEqual([['RateLimit-Policy', '"publishes";q=5;w=5']]);
      expect((await open(one, { subject: null })).headers).toEqual({});
    });

    test('without limits nothing is limited and nothing is said', async () => {
      const { one } = await start({});
      const streams = await openMany(one, 50);
      expect(streams[49]?.headers).toEqual({});
      expect(await one.limits.admitPublish(principal('ann'), '192.0.2.1', 1_000_000)).toBeNull();
    });

    test('who uses most, and who is refused most, can be asked', async () => {
      const { one } = await start({ userStreamsMax: 3, userPublishes: { perMinute: 1, burst: 1 } });
      await openMany(one, 3, { subject: 'ann', tenant: 'acme' });
      await openMany(one, 1, { subject: 'bob', address: '192.0.2.2' });
      for (let i = 0; i < 4; i++) await open(one, { subject: 'ann', tenant: 'acme' });
      await one.limits.admitPublish(principal('bob'), '192.0.2.2', 9);
      const { openStreams, refusedConnects, refusedPublishes } = await one.limits.usage(2);
      expect(openStreams.users).toMatchObject([
        { subject: 'ann', tenant: 'acme', count: 3 },
        { subject: 'bob', count: 1 },
      ]);
      expect(openStreams.tenants).toEqual([{ tenant: 'acme', count: 3 }]);
      expect(openStreams.addresses).toEqual([
        { address: '192.0.2.1', count: 3 },
        { address: '192.0.2.2', count: 1 },
      ]);
      expect(refusedConnects.users).toEqual([{ subject: 'ann', tenant: 'acme', count: 4 }]);
      expect(refusedPublishes.users).toEqual([{ subject: 'bob', count: 9 }]);
      expect((await one.limits.usage(1)).openStreams.users).toHaveLength(1);
    });
  });
}
