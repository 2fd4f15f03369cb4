import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes a configuration with these routes and nothing else; the path of the file (JSON is YAML). */
export function writeConfig(routes: readonly object[]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'selvage-config-')), 'selvage.yaml');
  writeFileSync(path, JSON.stringify({ routes }));
  return path;
}
