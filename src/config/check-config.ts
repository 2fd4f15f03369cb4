import { parseIpRange } from '../admission/limits/ip-address.js';
import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { Route } from '../routing/route.js';
import { checkAuth } from './check-auth.js';
import { checkStreams } from './check-streams.js';
import type { ConfigProblem } from './config-error.js';
import type { OptionValues } from './options.js';

/** The longest that the indexer may stand still after a kill with the broker's default session time-out (measured). */
export const indexerPauseSecondsMax = 33;

type Report = (path: string, message: string) => void;

/** What options promise together and do not keep. `given`: the paths that someone has set. */
export function checkConfig(
  values: OptionValues,
  routes: readonly Route[],
  streams: readonly NamedStream[],
  given: ReadonlySet<string>,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report: Report = (path, message) => void problems.push({ path, message });
  checkRoles(values, report);
  checkKafka(values, given, report);
  checkRedis(values, given, report);
  checkTiers(values, report);
  checkServing(values, report);
  checkAuth(values, given, report);
  checkLimits(values, report);
  checkStreams(values, routes, streams, report);
  if (routes.some((route) => route.topic === values.kafka.deadLetterTopic)) {
    report('kafka.deadLetterTopic', 'is a topic with a route: dead letters would be read as events');
  }
  if (routes.some((route) => route.topic === values.control.topic)) {
    report('control.topic', 'is a topic with a route: whoever may publish to it could end streams');
  }
  if (values.control.topic === values.kafka.deadLetterTopic) report('control.topic', 'is the same as kafka.deadLetterTopic');
  return problems;
}

function checkRoles({ roles, kafka }: OptionValues, report: Report): void {
  if (roles.length === 0) report('roles', 'must name at least one role');
  if (new Set(roles).size < roles.length) report('roles', 'names a role twice');
  if (kafka.brokers === null && roles.length > 0 && !roles.includes('edge')) {
    report('roles', 'an indexer alone needs kafka.brokers: there is no log to share');
  }
}

const mechanismNeeds = {
  plain: ['username', 'password'],
  'scram-sha-256': ['username', 'password'],
  'scram-sha-512': ['username', 'password'],
  oauthbearer: ['tokenUrl', 'clientId', 'clientSecret'],
  'aws-msk-iam': ['awsRegion'],
} as const;
const saslFields = ['username', 'password', 'tokenUrl', 'clientId', 'clientSecret', 'scope', 'awsRegion'] as const;

function checkKafka({ kafka }: OptionValues, given: ReadonlySet<string>, report: Report): void {
  const { tls, sasl } = kafka;
  const isUsed = (path: string): boolean => path.startsWith('kafka.') && path !== 'kafka.brokers' && path !== 'kafka.deadLetterTopic';
  if (kafka.brokers === null) {
    for (const path of [...given].filter(isUsed)) report(path, 'means nothing without kafka.brokers');
    return;
  }
  for (const name of ['caFile', 'certFile', 'keyFile', 'rejectUnauthorized'] as const) {
    if (!tls.enabled && given.has(`kafka.tls.${name}`)) report(`kafka.tls.${name}`, 'means nothing without kafka.tls.enabled');
  }
  checkCertificate('kafka.tls', tls, report);
  const needs: readonly string[] = sasl.mechanism === null ? [] : mechanismNeeds[sasl.mechanism];
  for (const name of saslFields) {
    const isFor = needs.includes(name) || (name === 'scope' && sasl.mechanism === 'oauthbearer');
    if (needs.includes(name) && sasl[name] === null) report(`kafka.sasl.${name}`, `is needed for ${sasl.mechanism}`);
    if (!isFor && sasl[name] !== null)
      report(`kafka.sasl.${name}`, `means nothing for kafka.sasl.mechanism ${sasl.mechanism ?? '(absent)'}`);
  }
  if (sasl.mechanism === 'aws-msk-iam' && !tls.enabled) report('kafka.tls.enabled', 'must be true for aws-msk-iam');
}

function checkCertificate(path: string, tls: { readonly certFile: string | null; readonly keyFile: string | null }, report: Report): void {
  if ((tls.certFile === null) === (tls.keyFile === null)) return;
  report(tls.certFile === null ? `${path}.certFile` : `${path}.keyFile`, 'is missing: certificate and key come together');
}

function checkRedis({ redis, kafka }: OptionValues, given: ReadonlySet<string>, report: Report): void {
  if (redis.url === null) {
    for (const path of [...given].filter((name) => name.startsWith('redis.'))) report(path, 'means nothing without redis.url');
    return;
  }
  if (kafka.brokers === null) {
    report('redis.url', 'needs kafka.brokers: a log in memory begins anew with each start, and a window that outlives it would be wrong');
  }
  const isSecure = redis.url.startsWith('rediss');
  for (const name of ['caFile', 'certFile', 'keyFile'] as const) {
    if (!isSecure && redis.tls[name] !== null) report(`redis.tls.${name}`, 'needs a redis.url that begins with rediss');
  }
  checkCertificate('redis.tls', redis.tls, report);
}

function checkTiers({ kafka, window, recent, replay, limits }: OptionValues, report: Report): void {
  if (window.ageSeconds <= recent.ageSeconds) {
    report(
      'window.ageSeconds',
      `must be more than recent.ageSeconds (${recent.ageSeconds}): otherwise the window holds nothing that memory does not`,
    );
  }
  if (kafka.brokers !== null && recent.ageSeconds < indexerPauseSecondsMax) {
    report('recent.ageSeconds', `must be at least ${indexerPauseSecondsMax}: memory has to outlast the longest pause of an indexer`);
  }
  if (recent.bytesMax < 2 * limits.eventBytesMax) report('recent.bytesMax', 'must hold two events of limits.eventBytesMax');
  if (replay.pageBytesMax > replay.bytesMax) report('replay.pageBytesMax', 'must not be more than replay.bytesMax');
  if (limits.eventBytesMax > replay.bytesMax) report('replay.bytesMax', 'must hold an event of limits.eventBytesMax');
}

function checkServing({ port, adminPort, stream, limits, cors, http, tls }: OptionValues, report: Report): void {
  if (port === adminPort && port !== 0) report('adminPort', `is the same as port (${port})`);
  if (stream.stallSeconds * 1_000 <= stream.keepAliveMs) {
    report('stream.stallSeconds', 'must be longer than stream.keepAliveMs: only what is written shows that a reader takes it');
  }
  if (limits.urlBytesMax > limits.headerBytesMax) report('limits.urlBytesMax', 'must not be more than limits.headerBytesMax');
  if (cors.origins.includes('*') && cors.origins.length > 1) report('cors.origins', '* stands alone: it allows every origin');
  if (cors.origins.includes('*') && cors.credentials) report('cors.credentials', 'never goes with cors.origins *');
  checkCertificate('tls', tls, report);
  if (http.proxyProtocol && tls.certFile !== null) {
    report('http.proxyProtocol', 'never goes with tls.certFile: balancers write it before TLS begins, where it is not read');
  }
}

function checkLimits({ limits }: OptionValues, report: Report): void {
  for (const range of limits.trustedProxies) {
    if (parseIpRange(range) === null) report('limits.trustedProxies', `${range} is no address or range such as 10.0.0.0/8`);
  }
}
