import { ConfigError } from '../../../src/config/config-error.js';
import type { ConfigProblem } from '../../../src/config/config-error.js';
import type { Config } from '../../../src/config/config.js';
import { loadConfig } from '../../../src/config/load-config.js';

export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  /** Text of the configuration file. */
  readonly yaml?: string;
  /** Path → text of other files. */
  readonly files?: Readonly<Record<string, string>>;
}

export function load({ env = {}, yaml, files = {} }: Given): Config {
  const all: Record<string, string> = { ...files, ...(yaml === undefined ? {} : { 'selvage.yaml': yaml }) };
  const readFile = (path: string): string => {
    const text = all[path];
    if (text === undefined) throw new Error('no such file');
    return text;
  };
  return loadConfig(yaml === undefined ? env : { SELVAGE_CONFIG: 'selvage.yaml', ...env }, readFile, 'node-1');
}

export function problemsOf(given: Given): readonly ConfigProblem[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

export const pathsOf = (given: Given): readonly string[] => problemsOf(given).map(({ path }) => path);

/** The sentence about one path. */
export const messageOf = (given: Given, path: string): string =>
  problemsOf(given)
    .filter((problem) => problem.path === path)
    .map(({ message }) => message)
    .join('; ');
