import type { IdentityRules } from '../admission/identity/parse-identity.js';
import type { OptionValues } from './options.js';

/** What is allowed but works less well than one might think; sentences for the log. */
export function collectNotices(values: OptionValues, identity: IdentityRules): readonly string[] {
  const { kafka, redis, roles, cors } = values;
  const notices: string[] = collectAuthNotices(values, identity);
  if (kafka.brokers === null) {
    notices.push('kafka.brokers is not set: events live in the memory of this process alone and end with it');
    return notices;
  }
  if (redis.url === null) {
    notices.push(
      roles.includes('edge')
        ? 'redis.url is not set: there is no replay window; readers that come back later than recent.ageSeconds are served from the log'
        : 'redis.url is not set: an indexer has nothing to write to',
    );
  }
  if (kafka.tls.enabled && !kafka.tls.rejectUnauthorized)
    notices.push('kafka.tls.rejectUnauthorized is off: anybody can pose as the brokers');
  if (kafka.sasl.mechanism === 'plain' && !kafka.tls.enabled)
    notices.push('kafka.sasl.mechanism is plain without TLS: the password travels in clear');
  if (cors.origins.includes('*')) notices.push('cors.origins is *: pages of every site may read public streams');
  return notices;
}

function collectAuthNotices({ auth, roles }: OptionValues, { issuers, open }: IdentityRules): string[] {
  const notices: string[] = [];
  if (!roles.includes('edge')) return notices;
  if (issuers.length === 0) {
    const isClosed = open.read.length === 0 && open.publish.length === 0;
    notices.push(
      isClosed
        ? 'there is no issuer (auth) and nothing is open (auth.anonymousRead): nobody can read or publish'
        : 'there is no issuer (auth): nobody is asked who they are, and all may do what auth.anonymousRead and auth.anonymousPublish open',
    );
  }
  for (const { name, audiences } of issuers) {
    if (audiences === null) notices.push(`the issuer ${name} has no audience: its tokens for other services are accepted here, too`);
  }
  if (auth.queryToken) notices.push('auth.queryToken is on: tokens in addresses are kept by the logs of proxies and browsers');
  if (auth.cookies && !auth.cookieName.startsWith('__Host-')) {
    notices.push('auth.cookieName does not begin with __Host-: a neighbouring domain can set such a cookie');
  }
  return notices;
}
