import { parseIdentity } from '../admission/identity/parse-identity.js';
import type { IdentityRules } from '../admission/identity/parse-identity.js';
import type { ConfigProblem } from './config-error.js';
import type { OptionValues } from './options.js';

const nobody: IdentityRules = { issuers: [], open: { read: [], publish: [] } };

/** Issuers and what is open to all. `issuers` is the list of the file, `jwtSecretFile` where `auth.jwtSecret` was read from. */
export function loadIdentity(
  auth: OptionValues['auth'],
  issuers: unknown,
  jwtSecretFile: string | null,
  problems: ConfigProblem[],
): IdentityRules {
  const { jwtSecret, jwksUrl, jwtIssuer, jwtAudience, anonymousRead, anonymousPublish } = auth;
  const parsed = parseIdentity({
    jwtSecret,
    jwtSecretFile,
    jwksUrl,
    jwtIssuer,
    jwtAudience,
    anonymousRead,
    anonymousPublish,
    issuers,
    defaults: {
      clockToleranceSeconds: auth.clockToleranceSeconds,
      lifetimeSecondsMax: auth.tokenLifetimeSecondsMax,
      claims: { subject: auth.subjectClaim, grants: auth.grantsClaim, tenant: auth.tenantClaim },
      read: auth.defaultRead,
      publish: auth.defaultPublish,
      allowInsecureJwksUrl: auth.allowInsecureJwksUrl,
    },
  });
  if (parsed.kind === 'identity') return parsed.identity;
  problems.push(...parsed.problems);
  return nobody;
}
