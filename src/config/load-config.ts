import type { NamedStream } from '../admission/named-streams/named-stream.js';
import { parseNamedStreams } from '../admission/named-streams/parse-named-streams.js';
import { didYouMean } from '../std/closest-name.js';
import { defaultRoutes, parseRoutes } from '../routing/parse-routes.js';
import type { Route } from '../routing/route.js';
import { checkConfig } from './check-config.js';
import type { Config } from './config.js';
import { ConfigError } from './config-error.js';
import type { ConfigProblem } from './config-error.js';
import { collectNotices } from './collect-notices.js';
import { loadIdentity } from './load-identity.js';
import { isDerived, isOption } from './option.js';
import type { KnownValues, OptionTree } from './option.js';
import { configFileEnv, optionEntries } from './option-entries.js';
import type { OptionEntry } from './option-entries.js';
import { defaultGroup, options } from './options.js';
import type { OptionValues } from './options.js';
import { readConfigFile } from './read-config-file.js';
import { readEnvironment } from './read-environment.js';
import type { Variables } from './read-environment.js';

/** Options that decide what others mean. */
const decisive = ['roles', 'kafka.brokers', 'kafka.tls.enabled', 'kafka.sasl.mechanism', 'redis.url'];

/** Parts of the file that other rooms read. */
const ownGrammars = ['routes', 'streams', 'auth.issuers'];
const isOneName = (name: string): boolean => !name.includes('.');

type Fields = Readonly<Record<string, unknown>>;

/**
 * The configuration from environment (first), file (`SELVAGE_CONFIG`) and defaults. `readFile` gives a file's text or throws; `nodeId` is the
 * default name of this process. Throws a `ConfigError` with every problem.
 */
export function loadConfig(env: Variables, readFile: (path: string) => string, nodeId: string): Config {
  const problems: ConfigProblem[] = [];
  const filePath = env[configFileEnv] || undefined;
  const file = filePath === undefined ? {} : readConfigFile(filePath, readFile, problems);
  const entries = optionEntries(options);
  refuseUnknown(options, file, '', problems);
  const environment = readEnvironment(env, readFile, entries, problems);

  const given = new Map<string, unknown>();
  for (const entry of entries) {
    const fromEnvironment = environment.get(entry.path);
    const value = fromEnvironment === undefined ? readPath(file, entry.segments) : fromEnvironment.value;
    if (value !== undefined && checkValue(entry, value, fromEnvironment?.env, problems)) given.set(entry.path, value);
  }
  const issuers = readPath(file, ['auth', 'issuers']);
  const values = fillIn(entries, given, nodeId, issuers !== undefined);
  const routes = loadRoutes(file['routes'], problems);
  const streams = loadStreams(file['streams'], problems);
  const identity = loadIdentity(values.auth, issuers, environment.get('auth.jwtSecret')?.file ?? null, problems);
  // A contradiction that follows from a value that is wrong anyway would only mislead.
  const wrong = new Set(problems.map(({ path }) => path));
  if (!decisive.some((path) => wrong.has(path))) {
    const contradictions = checkConfig(values, routes, streams, new Set(given.keys()));
    problems.push(...contradictions.filter(({ path }) => !wrong.has(path)));
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const secretFiles = [...environment].flatMap(([path, { file: from }]) => (from === undefined ? [] : [[path, from] as const]));
  return freeze({
    ...values,
    routes,
    streams,
    identity,
    isEmbedded: values.kafka.brokers === null,
    secretFiles: Object.fromEntries(secretFiles),
    notices: collectNotices(values, identity),
  });
}

function loadRoutes(raw: unknown, problems: ConfigProblem[]): readonly Route[] {
  const parsed = parseRoutes(raw ?? defaultRoutes);
  if (parsed.kind === 'routes') return parsed.routes;
  problems.push(...parsed.problems);
  return [];
}

function loadStreams(raw: unknown, problems: ConfigProblem[]): readonly NamedStream[] {
  const parsed = parseNamedStreams(raw);
  if (parsed.kind === 'streams') return parsed.streams;
  problems.push(...parsed.problems);
  return [];
}

/** Names in the file that are no option; a section that is no section. */
function refuseUnknown(tree: OptionTree, fields: Fields, above: string, problems: ConfigProblem[]): void {
  const known = [
    ...Object.keys(tree),
    ...ownGrammars.filter((path) => path.startsWith(above)).map((path) => path.slice(above.length)),
  ].filter(isOneName);
  for (const [name, value] of Object.entries(fields)) {
    const path = above + name;
    if (!known.includes(name)) {
      problems.push({ path, message: `is not an option${didYouMean(name, known)}` });
      continue;
    }
    const node = tree[name];
    if (node === undefined || isOption(node) || value === null) continue;
    if (typeof value === 'object' && !Array.isArray(value)) refuseUnknown(node, value as Fields, `${path}.`, problems);
    else problems.push({ path, message: 'is a section: it must hold options by name' });
  }
}

/** The value in the file; what is there without a value counts as absent. */
function readPath(file: Fields, segments: readonly string[]): unknown {
  let value: unknown = file;
  for (const segment of segments) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Fields)[segment];
  }
  return value ?? undefined;
}

function checkValue({ path, option }: OptionEntry, value: unknown, env: string | undefined, problems: ConfigProblem[]): boolean {
  const result = option.schema.safeParse(value);
  if (result.success) return true;
  const from = env === undefined ? '' : ` (from ${env})`;
  for (const issue of result.error.issues) {
    const at = issue.path.map((segment) => `[${String(segment)}]`).join('');
    const isLink = typeof value === 'string' && /^tcp:\/\//.test(value);
    const hint = isLink ? '; it looks made by Kubernetes for a Service: set enableServiceLinks: false' : '';
    problems.push({ path, message: `${at === '' ? '' : `element ${at}: `}${issue.message}${from}${hint}` });
  }
  return false;
}

/** Given values and, for the rest, defaults; those that derive come from the ones that do not. */
function fillIn(entries: readonly OptionEntry[], given: ReadonlyMap<string, unknown>, nodeId: string, hasIssuers: boolean): OptionValues {
  const group = given.get('group');
  const isEmbedded = !given.has('kafka.brokers');
  const hasAnyIssuer = hasIssuers || given.has('auth.jwtSecret') || given.has('auth.jwksUrl');
  const isOpen = isEmbedded && !hasAnyIssuer && isLoopback(given.get('host'));
  const known: KnownValues = { group: typeof group === 'string' ? group : defaultGroup, isEmbedded, isOpen, nodeId };
  const values: Record<string, unknown> = {};
  for (const { path, segments, option } of entries) {
    const { defaultValue } = option;
    const value = given.has(path) ? given.get(path) : isDerived(defaultValue) ? defaultValue.derive(known) : defaultValue;
    setPath(values, segments, value);
  }
  return values as unknown as OptionValues;
}

/** The host of an embedded node, where it is not given, is loopback. */
const isLoopback = (host: unknown): boolean =>
  host === undefined || (typeof host === 'string' && /^(127(\.\d{1,3}){3}|localhost|::1)$/.test(host));

function setPath(target: Record<string, unknown>, segments: readonly string[], value: unknown): void {
  const [first = '', ...rest] = segments;
  if (rest.length === 0) target[first] = value;
  else setPath((target[first] ??= {}) as Record<string, unknown>, rest, value);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
