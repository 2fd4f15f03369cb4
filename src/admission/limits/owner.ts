import type { Principal } from '../principal.js';

/** Who pays: keys for the tables and stores of limits. Null: there is no such limit for this caller. */
export interface Owner {
  /** A user within its tenant: the same subject of another tenant is another user. Null for somebody anonymous, whom only the address limits. */
  readonly user: string | null;
  readonly tenant: string | null;
}

type Payer = Pick<Principal, 'subject' | 'tenant'>;

export function ownerOf(payer: Payer): Owner {
  return { user: payer.subject === null ? null : replayOwnerOf(payer), tenant: payer.tenant };
}

/**
 * One text for an owner, for `PageQuery.owner`: `<length of the tenant>:<tenant>:<subject>`, so that no tenant's name can pass for another's.
 * All who are anonymous share one a tenant.
 */
export function replayOwnerOf({ subject, tenant }: Payer): string {
  return `${tenant?.length ?? 0}:${tenant ?? ''}:${subject ?? ''}`;
}

/** Tenant and subject of such a text; empty: none. Any other text is a subject without a tenant. */
export function readOwner(owner: string): { readonly tenant: string; readonly subject: string } {
  const digits = /^(\d{1,9}):/.exec(owner)?.[1];
  if (digits === undefined) return { tenant: '', subject: owner };
  const start = digits.length + 1;
  const end = start + Number(digits);
  return { tenant: owner.slice(start, end), subject: owner.slice(end + 1) };
}
