import type { Config } from './config.js';
import { optionEntries } from './option-entries.js';
import { options } from './options.js';

const hidden = '(secret)';

/**
 * The configuration as people may see it: every option, those that are declared as secret by name only, and the routes. What other grammars made of the file (keys of
 * issuers among it) is left out: only what is known to be harmless is shown.
 */
export function redactConfig(config: Config): unknown {
  const shown: Record<string, unknown> = { isEmbedded: config.isEmbedded, notices: config.notices, routes: config.routes };
  for (const { segments, option } of optionEntries(options)) {
    const value = readPath(config, segments);
    setPath(shown, segments, option.isSecret && value !== null ? hidden : value);
  }
  return shown;
}

function readPath(config: Config, segments: readonly string[]): unknown {
  return segments.reduce<unknown>((value, segment) => (value as Readonly<Record<string, unknown>>)[segment], config);
}

function setPath(target: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) target[first] = value;
  else setPath((target[first] ??= {}) as Record<string, unknown>, rest, value);
}
