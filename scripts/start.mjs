/** `npm start`: installs and builds when that is needed, then becomes `node dist/main.js` (same process, so signals and the terminal are its own). */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root } from './install.mjs';

if ((await ensureInstalled()) && (await ensureBuilt())) {
  const main = join(root, 'dist', 'main.js');
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
} else {
  process.exitCode = 1;
}
