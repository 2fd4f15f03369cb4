import { randomBytes } from 'node:crypto';

/** A name that no other test, run or machine uses: fit for topics, groups, keys and channels (`[a-z0-9-]`). */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}
