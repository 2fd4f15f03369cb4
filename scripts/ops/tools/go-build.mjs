/** Programs built by Go, their modules from the Go proxy, at the versions that a committed go.mod and go.sum say. */
import { join } from 'node:path';
import { hasCommand } from '../../apt.mjs';
import { buildOnce, hashOf } from './build-once.mjs';

const modulesPath = join(import.meta.dirname, 'go');

/**
 * Builds one program from a module of ours, once for each state of the module's files, into `.cache/ops/<name>-<hash>`.
 *
 * @param {object} program
 * @param {string} program.name of the program
 * @param {string} program.modulePath the folder with go.mod and go.sum
 * @param {string} [program.package] what to build; default: the module's top
 * @param {readonly string[]} [program.ldflags] for the linker, beside -s -w
 * @param {readonly string[]} [program.sourcePaths] what decides whether to build again; default: the module's folder
 * @param {Record<string, string>} [program.env] for instance CGO_ENABLED
 * @param {number} [program.buildMs] default: 20 minutes
 * @returns {Promise<string>} the path of the program; rejects when there is no Go, or it cannot be built
 */
export async function goBuild(program) {
  const target = program.package ?? '.';
  const ldflags = ['-s', '-w', ...(program.ldflags ?? [])].join(' ');
  const hash = hashOf({ texts: [target, ldflags], paths: program.sourcePaths ?? [program.modulePath] });
  if (!hasCommand('go')) throw new Error(`${program.name}: there is no go on the PATH to build it`);
  return buildOnce({
    name: program.name,
    hash,
    cwd: program.modulePath,
    script: 'go build -trimpath -buildvcs=false -ldflags "$LDFLAGS" -o "$OUT" "$TARGET"',
    // Exactly the versions of go.mod and go.sum, by the Go that is here.
    env: { GOFLAGS: '-mod=readonly', GOWORK: 'off', LDFLAGS: ldflags, TARGET: target, ...program.env },
    ...(program.buildMs === undefined ? {} : { buildMs: program.buildMs }),
  });
}

/** The folder of one of the wrapper modules beside this file. */
export function wrapperModulePath(name) {
  return join(modulesPath, name);
}
