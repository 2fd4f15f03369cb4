import { didYouMean } from '../std/closest-name.js';
import type { ConfigProblem } from './config-error.js';
import { commandEnv, configFileEnv, envPrefix, fileSuffix } from './option-entries.js';
import type { OptionEntry } from './option-entries.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the environment says of an option. */
export interface EnvironmentValue {
  readonly value: unknown;
  /** The variable that it came from. */
  readonly env: string;
  /** The file that a secret was read from. */
  readonly file?: string;
}

/** Kubernetes makes such variables for every Service of the namespace; one named `selvage` makes `SELVAGE_PORT=tcp://…`. */
const linkName = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$/;
const linkValue = /^(tcp|udp|sctp):\/\//;
const isServiceLink = (name: string, value: string): boolean => linkName.test(name) || (name.endsWith('_PORT') && linkValue.test(value));

/** Reads the options given by the environment. A variable that is empty counts as absent. */
export function readEnvironment(
  env: Variables,
  readFile: (path: string) => string,
  entries: readonly OptionEntry[],
  problems: ConfigProblem[],
): ReadonlyMap<string, EnvironmentValue> {
  const values = new Map<string, EnvironmentValue>();
  for (const entry of entries) {
    const direct = env[entry.env] || undefined;
    const file = entry.option.isSecret ? env[entry.env + fileSuffix] || undefined : undefined;
    if (direct !== undefined && file !== undefined) {
      problems.push({ path: entry.path, message: `${entry.env} and ${entry.env}${fileSuffix} are both set: one must go` });
    } else if (direct !== undefined) {
      values.set(entry.path, { value: entry.option.fromText(direct), env: entry.env });
    } else if (file !== undefined) {
      const text = readSecret(entry, file, readFile, problems);
      if (text !== undefined) values.set(entry.path, { value: text, env: entry.env + fileSuffix, file });
    }
  }
  refuseUnknown(env, entries, problems);
  return values;
}

function readSecret(entry: OptionEntry, file: string, readFile: (path: string) => string, problems: ConfigProblem[]): string | undefined {
  try {
    return readFile(file).replace(/\r?\n$/, '');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({ path: entry.path, message: `${file}, named by ${entry.env}${fileSuffix}, cannot be read (${reason})` });
    return undefined;
  }
}

/** Whoever sets a variable of ours that is not one has mistyped an option. */
function refuseUnknown(env: Variables, entries: readonly OptionEntry[], problems: ConfigProblem[]): void {
  const known = new Set<string>([configFileEnv, ...Object.values(commandEnv)]);
  for (const { env: name, option } of entries) {
    known.add(name);
    if (option.isSecret) known.add(name + fileSuffix);
  }
  for (const [name, value = ''] of Object.entries(env)) {
    if (!name.startsWith(envPrefix) || known.has(name) || isServiceLink(name, value)) continue;
    const bare = name.slice(envPrefix.length);
    problems.push({ path: name, message: `is not an option${known.has(bare) ? ` (did you mean ${bare}?)` : didYouMean(name, known)}` });
  }
}
