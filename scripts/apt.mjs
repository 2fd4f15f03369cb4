/** Installs Debian packages for the tests, and sees to it that no service among them starts, now or with the machine. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './run.mjs';

const aptMs = 900_000;
const policyPath = '/usr/sbin/policy-rc.d';
/** Where Debian keeps servers, and where a user's PATH need not look. */
const systemFolders = ['/usr/sbin', '/sbin'];

/** The path of a command, on the PATH or where servers are; undefined when it is not installed. */
export function commandPath(command) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemFolders];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find(isExecutable);
}

/** Whether a command is on the PATH or where servers are. */
export function hasCommand(command) {
  return commandPath(command) !== undefined;
}

/**
 * Installs the packages of those commands that are missing, all by one call of apt-get; returns one sentence for each that could not be had.
 * @param {readonly { command: string, aptPackage: string, hint: string, services?: readonly string[] }[]} wanted
 */
export async function installCommands(wanted) {
  const missing = wanted.filter(({ command }) => !hasCommand(command));
  if (missing.length === 0) return [];
  const refuse = (why) => missing.map(({ command, aptPackage, hint }) => `${command}: not installed, and ${why(aptPackage)} (${hint})`);
  if (!hasCommand('apt-get')) return refuse((name) => `there is no apt-get here to install ${name}`);
  if (!isRoot() && (await run('sudo', ['-n', 'true'])).code !== 0) return refuse((name) => `installing ${name} by apt-get needs root`);
  const packages = [...new Set(missing.map(({ aptPackage }) => aptPackage))];
  process.stderr.write(`provision: installing ${packages.join(', ')} by apt-get\n`);
  const said = await installPackages(
    packages,
    missing.flatMap(({ services = [] }) => services),
  );
  return missing
    .filter(({ command }) => !hasCommand(command))
    .map(({ command, aptPackage, hint }) => `${command}: apt-get could not install ${aptPackage} (${hint}): ${said}`);
}

/** Returns the last line that apt-get said. */
async function installPackages(packages, services) {
  const apt = (...args) => asRoot(['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', ...args]);
  const install = () => apt('install', '-y', '--no-install-recommends', ...packages);
  const hasForbidden = await forbidStarts();
  try {
    let installed = await install();
    if (installed.code !== 0) {
      await apt('update'); // the lists of a fresh machine are empty or old
      installed = await install();
    }
    if (services.length > 0 && hasCommand('systemctl')) await asRoot(['systemctl', 'disable', '--quiet', ...services]);
    return installed.said.split('\n').at(-1);
  } finally {
    if (hasForbidden) await asRoot(['rm', '-f', policyPath]);
  }
}

/** Packages ask this program before they start a service (invoke-rc.d(8)); 101 says no. One that is there has its own answer. */
async function forbidStarts() {
  if (existsSync(policyPath)) return false;
  await asRoot(['sh', '-c', `printf '#!/bin/sh\\nexit 101\\n' > ${policyPath} && chmod 755 ${policyPath}`]);
  return true;
}

function asRoot(line) {
  const [file, ...args] = isRoot() ? line : ['sudo', '-n', 'env', 'DEBIAN_FRONTEND=noninteractive', ...line];
  return run(file, args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: aptMs });
}

function isRoot() {
  return process.getuid?.() === 0;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
