/**
 * Takes out of `node_modules` what a running program never opens: all binaries of uWebSockets.js (257 MB, one for each platform) but the one that this
 * Node loads, type declarations, source maps and documents of all packages (20 MB). Licences stay. Then shows that the binary loads.
 *
 *   node trim-packages.mjs [folder with node_modules]      run by the Node that will run the program
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const folder = resolve(process.argv[2] ?? '.');
const packagesPath = join(folder, 'node_modules');
const addonPath = join(packagesPath, 'uWebSockets.js');
const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const kept = new Set(['ESM_wrapper.mjs', 'LICENSE', 'package.json', 'source_commit', 'uws.js', binary]);
const neverOpened = /\.(d\.[cm]?ts|map|markdown)$|^(?!licen[cs]e|notice|copying).*\.md$/i;

if (!existsSync(join(addonPath, binary))) {
  throw new Error(`uWebSockets.js has no binary for ${process.platform} ${process.arch} and Node ${process.version} (${binary})`);
}
for (const name of readdirSync(addonPath)) if (!kept.has(name)) rmSync(join(addonPath, name), { recursive: true });
for (const entry of readdirSync(packagesPath, { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && neverOpened.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
}
const { App } = createRequire(join(folder, 'package.json'))('uWebSockets.js');
if (typeof App !== 'function') throw new Error(`${binary} does not load here`);
process.stdout.write(`kept ${binary}\n`);
