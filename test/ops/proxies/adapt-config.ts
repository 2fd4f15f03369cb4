import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryPath } from '../../platform/run-folder.js';

/**
 * Writes a shipped configuration with other addresses and paths, and nothing else changed. Each replaced text must be in it: what was moved there must be moved here.
 */
export function adaptConfig(shipped: string, replaced: readonly (readonly [from: string, to: string])[], target: string): string {
  let text = readFileSync(join(repositoryPath, shipped), 'utf8');
  for (const [from, to] of replaced) {
    if (!text.includes(from)) throw new Error(`${shipped} does not hold ${JSON.stringify(from)}`);
    text = text.replaceAll(from, to);
  }
  writeFileSync(target, text);
  return target;
}
