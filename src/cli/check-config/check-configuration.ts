import { ConfigError } from '../../config/config-error.js';
import type { ConfigProblem } from '../../config/config-error.js';
import type { Config } from '../../config/config.js';
import { redactConfig } from '../../config/redact-config.js';
import type { CommandContext } from '../command-context.js';
import { escapeJson, escapeText } from '../escape-text.js';
import { exitCodes } from '../exit-codes.js';
import { readConfig } from '../read-config.js';

export interface CheckOptions {
  readonly path: string | undefined;
  readonly show?: true;
  readonly json?: true;
}

export async function checkConfiguration(options: CheckOptions, { env, terminal }: CommandContext): Promise<number> {
  const { out, err } = terminal;
  const found = attempt(env, options.path);
  const exitCode = found.config === null ? exitCodes.unusable : exitCodes.ok;
  if (options.json) {
    const { problems, config } = found;
    const shown = options.show && config !== null ? { config: redactConfig(config) } : {};
    await out.line(escapeJson(JSON.stringify({ ok: config !== null, problems, notices: config?.notices ?? [], ...shown })));
    return exitCode;
  }
  for (const { path, message } of found.problems) await err.line(`${err.paint.red(escapeText(path))}: ${escapeText(message)}`);
  if (found.config === null) {
    const { length } = found.problems;
    await err.line(`${length} ${length === 1 ? 'problem' : 'problems'}: the configuration cannot be used`);
    return exitCode;
  }
  for (const notice of found.config.notices) await err.line(`${err.paint.yellow('notice')}: ${escapeText(notice)}`);
  if (!options.show) await out.line(summaryOf(found.config));
  else for (const line of JSON.stringify(redactConfig(found.config), null, 2).split('\n')) await out.line(escapeJson(line));
  return exitCode;
}

function attempt(
  env: CommandContext['env'],
  path: string | undefined,
): { readonly config: Config | null; readonly problems: readonly ConfigProblem[] } {
  try {
    return { config: readConfig(env, path), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: null, problems: error.problems };
  }
}

function summaryOf({ isEmbedded, routes, streams, roles, identity }: Config): string {
  const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
  const where = isEmbedded ? 'in memory' : 'on Kafka';
  return `the configuration can be used: ${roles.join(' and ')} ${where}, ${count(routes.length, 'route')}, ${count(streams.length, 'named stream')}, ${count(identity.issuers.length, 'issuer')}`;
}
