import { isWellFormed } from '../../std/percent-encoding.js';

export type Claims = Readonly<Record<string, unknown>>;

/** Longest value of a claim that stands for somebody, in UTF-16 units. */
const valueLengthMax = 256;

/**
 * The claim of this name: the top-level one that is called so (`https://example.com/selvage`), else what the path of names between dots leads
 * to (`realm_access.roles`). Only what the token itself holds, never what objects inherit.
 */
export function readClaim(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, step)) return undefined;
    value = (value as Claims)[step];
  }
  return value;
}

/** A claim as the text that stands for it: texts, whole numbers and booleans; undefined for all else, and for what is too long to be a name. */
export function readTextClaim(claims: Claims, name: string): string | undefined {
  const value = readClaim(claims, name);
  if (typeof value === 'string') return value !== '' && value.length <= valueLengthMax && isWellFormed(value) ? value : undefined;
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  return undefined;
}
