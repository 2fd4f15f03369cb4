import type { OptionValues } from './options.js';

/** What is allowed but works less well than one might think; sentences for the log. */
export function collectNotices({ kafka, redis, roles, cors }: OptionValues): readonly string[] {
  const notices: string[] = [];
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
