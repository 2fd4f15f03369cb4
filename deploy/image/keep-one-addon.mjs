/**
 * Keeps of uWebSockets.js, which comes with a binary for every platform (257 MB), the one that this Node loads, and shows that it does.
 *
 *   node keep-one-addon.mjs [folder with node_modules]      run by the Node that will run the program
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const folder = resolve(process.argv[2] ?? '.');
const addonPath = join(folder, 'node_modules', 'uWebSockets.js');
const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const kept = new Set(['ESM_wrapper.mjs', 'LICENSE', 'package.json', 'source_commit', 'uws.js', binary]);

if (!existsSync(join(addonPath, binary))) {
  throw new Error(`uWebSockets.js has no binary for ${process.platform} ${process.arch} and Node ${process.version} (${binary})`);
}
for (const name of readdirSync(addonPath)) if (!kept.has(name)) rmSync(join(addonPath, name), { recursive: true });
const { App } = createRequire(join(folder, 'package.json'))('uWebSockets.js');
if (typeof App !== 'function') throw new Error(`${binary} does not load here`);
process.stdout.write(`kept ${binary}\n`);
