/**
 * Builds k6 with the module `k6/x/selvage-sse` in it, once for each state of its sources, into `.cache/ops/k6-<hash>`. Go fetches what it needs through
 * its proxy; 2 minutes on 2 cores the first time.
 *
 *   node loadtest/k6/build.mjs       prints the path of the program
 */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goBuild } from '../../scripts/ops/tools/tools.mjs';

const buildMs = 900_000;

/** The folder of the Go module. */
export const modulePath = join(dirname(fileURLToPath(import.meta.url)), 'module');

/** The path of k6 with our module; rejects when there is no Go, or it cannot be built within 15 minutes. */
export function provideK6() {
  return goBuild({ name: 'k6', modulePath, sourcePaths: sources(), env: { CGO_ENABLED: '0' }, buildMs });
}

/** What the program is made of: a changed test is no other program. */
function sources() {
  const inside = readdirSync(modulePath, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = inside.map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => /\.go$|go\.(mod|sum)$/.test(path) && !path.endsWith('_test.go')).sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${await provideK6()}\n`);
