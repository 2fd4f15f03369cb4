import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { commandEnv } from '../config/option-entries.js';
import { CommandError, reasonOf } from './command-context.js';
import { escapeText } from './escape-text.js';
import { exitCodes } from './exit-codes.js';

export interface RemoteOptions {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

/** A node, or what stands in front of nodes. */
export interface Remote {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** Headers of a request; a token's file is read again each time, as tokens are replaced there. */
  headers(): Record<string, string>;
}

export const defaultUrl = 'http://127.0.0.1:8080';

/** Adds `--url`, `--token` and `--token-file`. */
export function addRemoteOptions(command: Command): Command {
  return command
    .option('-u, --url <url>', `node or balancer, with the base path if there is one (default: ${commandEnv.url}, else ${defaultUrl})`)
    .option('--token <token>', `bearer token; others on this machine can see it: ${commandEnv.token} or --token-file is better`)
    .option('--token-file <file>', 'file with the bearer token, read again at each connect');
}

/** Whom to ask, and with which token: options go before the environment. Throws a `CommandError` for what cannot be used. */
export function openRemote(options: RemoteOptions, env: Readonly<Record<string, string | undefined>>): Remote {
  const text = options.url ?? (env[commandEnv.url] || defaultUrl);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new CommandError(`--url ${text} is not an http(s) URL`, exitCodes.unusable);
  if (url.search !== '' || url.hash !== '') throw new CommandError('--url has a query: name channels as arguments', exitCodes.unusable);
  if (options.token !== undefined && options.tokenFile !== undefined) {
    throw new CommandError('--token and --token-file are both given: one must go', exitCodes.unusable);
  }
  const readToken = tokenReader(options, env);
  return {
    baseUrl: text.replace(/\/+$/, ''),
    headers: () => {
      const token = readToken();
      return token === null ? {} : { Authorization: `Bearer ${token}` };
    },
  };
}

function tokenReader(options: RemoteOptions, env: Readonly<Record<string, string | undefined>>): () => string | null {
  const given = options.token ?? (options.tokenFile === undefined ? env[commandEnv.token] || undefined : undefined);
  const file = options.tokenFile ?? (env[commandEnv.tokenFile] || undefined);
  if (given === undefined && file === undefined) return () => null;
  return () => {
    const token = (given ?? readTokenFile(file ?? '')).trim();
    // It becomes a header; what cannot be one must not be quoted in an error of the HTTP client.
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new CommandError('the token is empty or holds characters that no token has', exitCodes.unusable);
    return token;
  };
}

function readTokenFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`the token's file cannot be read: ${reasonOf(error)}`, exitCodes.unusable);
  }
}

/** A refusal: its code where the answer was ours, and a sentence that may be shown. */
export interface Refusal {
  readonly status: number;
  readonly code: string | null;
  readonly sentence: string;
}

/** Bodies of refusals are short; what is longer is not read. */
const refusalBytesMax = 65_536;

export async function readRefusal(response: Response): Promise<Refusal> {
  const { status } = response;
  const text = await readBounded(response).catch(() => '');
  const problem = readProblem(text);
  if (problem === null) return { status, code: null, sentence: `${status}${text === '' ? '' : `: ${escapeText(text.slice(0, 200))}`}` };
  const { code, title, detail } = problem;
  return { status, code, sentence: escapeText(`${status} ${code}: ${detail ?? title ?? ''}`) };
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (response.body === null) return '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > refusalBytesMax) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readProblem(text: string): { readonly code: string; readonly title?: string; readonly detail?: string } | null {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value !== 'object' || value === null) return null;
    const { code, title, detail } = value as Record<string, unknown>;
    if (typeof code !== 'string') return null;
    return { code, ...(typeof title === 'string' ? { title } : {}), ...(typeof detail === 'string' ? { detail } : {}) };
  } catch {
    return null;
  }
}

/** Seconds of `Retry-After`, in ms; null: it says none. */
export function retryAfterMs(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}
