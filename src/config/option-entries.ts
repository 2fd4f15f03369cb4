import { isOption } from './option.js';
import type { Option, OptionTree } from './option.js';

/** An option with where it is. */
export interface OptionEntry {
  /** Segments of its path in the file. */
  readonly segments: readonly string[];
  readonly path: string;
  readonly env: string;
  readonly option: Option<unknown>;
}

/** Name of the environment variable with the path of the configuration file. */
export const configFileEnv = 'SELVAGE_CONFIG';
/** Variables of commands that talk to a node; no options, and no mistakes where a node is started with them. */
export const commandEnv = { url: 'SELVAGE_URL', token: 'SELVAGE_TOKEN', tokenFile: 'SELVAGE_TOKEN_FILE' } as const;
/** Ends the name of a variable that names a file with the secret. */
export const fileSuffix = '_FILE';
export const envPrefix = 'SELVAGE_';

/** Every option of a tree, in its order. */
export function optionEntries(tree: OptionTree, above: readonly string[] = []): readonly OptionEntry[] {
  return Object.entries(tree).flatMap(([name, node]) => {
    const segments = [...above, name];
    if (!isOption(node)) return optionEntries(node, segments);
    return [{ segments, path: segments.join('.'), env: node.env ?? envNameOf(segments), option: node }];
  });
}

/** `window.ageSeconds` → `SELVAGE_WINDOW_AGE_SECONDS`. */
function envNameOf(segments: readonly string[]): string {
  return envPrefix + segments.map((segment) => segment.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('_');
}
