import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config } from '../config/config.js';
import { configFileEnv } from '../config/option-entries.js';
import { loadConfig } from '../config/load-config.js';

type Variables = Readonly<Record<string, string | undefined>>;

/** The configuration as a node in this environment would have it; `path` goes before `SELVAGE_CONFIG`. Throws a `ConfigError`. */
export function readConfig(env: Variables, path?: string): Config {
  const nodeId = `${hostname()}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`.replace(/[^A-Za-z0-9._-]/g, '-');
  const variables = path === undefined ? env : { ...env, [configFileEnv]: path };
  return loadConfig(variables, (file) => readFileSync(file, 'utf8'), nodeId);
}
