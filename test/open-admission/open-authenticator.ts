import type { Authenticator } from '../../src/admission/authenticator.js';
import type { Grant, Principal } from '../../src/admission/principal.js';

const everything: Grant = { allows: () => true };

/** Somebody unknown who may read and publish everything. */
export const openPrincipal: Principal = {
  subject: null,
  tenant: null,
  tokenId: null,
  issuedAtMs: null,
  expiresAtMs: null,
  via: 'anonymous',
  claims: {},
  read: everything,
  publish: everything,
};

/** Takes everybody for somebody who may do everything, whatever they show: for nodes that are not asked to know anybody. */
export const openAuthenticator: Authenticator = { authenticate: () => ({ kind: 'principal', principal: openPrincipal }) };
