import { parseDocument } from 'yaml';
import type { ConfigProblem } from './config-error.js';

const aliasesMax = 100;

/** The file as plain values; `{}` when it is empty. Problems are added with the file's path. */
export function readConfigFile(
  path: string,
  readFile: (path: string) => string,
  problems: ConfigProblem[],
): Readonly<Record<string, unknown>> {
  let source: string;
  try {
    source = readFile(path);
  } catch (error) {
    problems.push({
      path: 'SELVAGE_CONFIG',
      message: `${path} cannot be read (${error instanceof Error ? error.message : String(error)})`,
    });
    return {};
  }
  const document = parseDocument(source, { prettyErrors: true, uniqueKeys: true });
  if (document.errors.length > 0) {
    // The first line of an error says what and where; the rest quotes the file, which may hold secrets.
    problems.push(...document.errors.map((error) => ({ path, message: error.message.split('\n')[0] ?? 'is not YAML' })));
    return {};
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: aliasesMax });
  } catch {
    problems.push({ path, message: `has an alias without an anchor, or more than ${aliasesMax} aliases` });
    return {};
  }
  if (value === null || value === undefined) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  problems.push({ path, message: 'must hold options by name' });
  return {};
}
