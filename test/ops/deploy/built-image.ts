import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OwnedProcess } from '../../platform/owned-process.js';
import { makeRunFolder, removeRunFolder, repositoryPath } from '../../platform/run-folder.js';
import { parseDockerfile, readAssignment, settingsOf } from './dockerfile.js';
import type { DockerStage, ImageSettings } from './dockerfile.js';

/** A stage while it is built: what it changes lies in `upper`, over the root that it begins with (none: from scratch). */
interface Built {
  readonly lower: string | null;
  readonly upper: string;
  readonly work: string;
  readonly env: Record<string, string>;
  folder: string;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Does what `docker build` does with our Dockerfile, by the kernel's own means (overlay mounts, chroot, namespaces): there need not be a Docker engine. Instructions
 * that only say how to run the image are left to `settings`. Needs root. `close` it.
 */
export class BuiltImage {
  readonly root: string;
  readonly settings: ImageSettings;
  readonly #folder: string;

  private constructor(folder: string, root: string, settings: ImageSettings) {
    this.#folder = folder;
    this.root = root;
    this.settings = settings;
  }

  /** `basePath` is the root of the image that every stage with an outside base begins with. */
  static build(dockerfilePath: string, basePath: string): BuiltImage {
    const folder = makeRunFolder('image');
    const context = join(folder, 'context');
    copyContext(`${dockerfilePath}.dockerignore`, context);
    const stages = parseDockerfile(readFileSync(dockerfilePath, 'utf8'));
    const built = new Map<string, Built>();
    let last: { stage: DockerStage; built: Built } | undefined;
    for (const [index, stage] of stages.entries()) {
      const begun = begin(stage, join(folder, `stage-${index}`), basePath, built);
      for (const { name, text } of stage.instructions) {
        if (name === 'RUN') run(begun, text);
        else if (name === 'COPY') copy(begun, text, context, built);
        else if (name === 'WORKDIR') mkdirSync(join(begun.upper, (begun.folder = text)), { recursive: true });
        else if (name === 'ENV') Object.assign(begun.env, readAssignment(text));
      }
      if (stage.name !== null) built.set(stage.name, begun);
      last = { stage, built: begun };
    }
    if (last === undefined) throw new Error('the Dockerfile has no stage');
    return new BuiltImage(folder, last.built.upper, settingsOf(last.stage));
  }

  /** All of it, in megabytes. */
  get megabytes(): number {
    return Math.round(Number(execFileSync('du', ['-s', '--block-size=1000', this.root], { encoding: 'utf8' }).split('\t')[0]) / 1_000);
  }

  /**
   * Starts `command` (default: the entrypoint) as process 1 of a container: the image's user, environment and folder, a root that cannot be written, no capability,
   * no new privilege. The network is ours.
   */
  start(name: string, env: Readonly<Record<string, string>>, command = this.settings.entrypoint): OwnedProcess {
    const [uid = '', gid = ''] = this.settings.user.split(':');
    const lines = [
      'set -eu',
      `mount --bind "${this.root}" "${this.root}"`,
      `mount -t proc proc "${this.root}/proc"`,
      // The one file that Docker, too, puts over the image's.
      `mount --bind /etc/hosts "${this.root}/etc/hosts" && mount --bind /etc/resolv.conf "${this.root}/etc/resolv.conf"`,
      `mount -o remount,ro,bind "${this.root}"`,
      `cd "${this.root}"`,
      // Capabilities go inside the root, by the programs of the base.
      `exec chroot "${this.root}" /usr/bin/setpriv --reuid ${uid} --regid ${gid} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- ` +
        `/usr/bin/env -i -C "${this.settings.folder}" ${assignments({ ...this.settings.env, ...env })} ${command.map(quote).join(' ')}`,
    ];
    return new OwnedProcess({
      file: 'unshare',
      args: ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-c', lines.join('\n')],
      folder: this.#folder,
      name,
    });
  }

  close(): void {
    removeRunFolder(this.#folder);
  }
}

/** What the `.dockerignore` lets through; ours shuts everything out and then names what may pass. */
function copyContext(ignorePath: string, context: string): void {
  const lines = readFileSync(ignorePath, 'utf8')
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line));
  if (lines[0] !== '*' || lines.slice(1).some((line) => !/^![\w./-]+$/.test(line)))
    throw new Error(`${ignorePath}: not "*" and then !names`);
  for (const line of lines.slice(1)) cpSync(join(repositoryPath, line.slice(1)), join(context, line.slice(1)), { recursive: true });
}

function begin(stage: DockerStage, folder: string, basePath: string, built: ReadonlyMap<string, Built>): Built {
  const parent = built.get(stage.from);
  if (parent !== undefined) throw new Error('a stage on top of another stage: not needed so far');
  const upper = join(folder, 'upper');
  const work = join(folder, 'work');
  for (const path of [upper, work]) mkdirSync(path, { recursive: true });
  return { lower: stage.from === 'scratch' ? null : basePath, upper, work, env: {}, folder: '/' };
}

/** Shell that mounts a stage at `at`, within a mount namespace of its own. */
function mounting(stage: Built, at: string): string {
  if (stage.lower === null) return `mount --bind "${stage.upper}" "${at}"`;
  return `mount -t overlay overlay -o "lowerdir=${stage.lower},upperdir=${stage.upper},workdir=${stage.work}" "${at}"`;
}

function run(stage: Built, command: string): void {
  if (stage.lower === null) throw new Error('RUN in a stage from scratch');
  const at = `${stage.work}-root`;
  mkdirSync(at, { recursive: true });
  const certificates = existsSync('/etc/ssl/certs/ca-certificates.crt');
  inNamespace([
    mounting(stage, at),
    `mount -t proc proc "${at}/proc"`,
    `mount --rbind /dev "${at}/dev"`,
    `cat /etc/resolv.conf > "${at}/etc/resolv.conf"`,
    // What this machine needs to reach its package registry; an image in the wild brings or is given its own.
    ...(certificates ? [`mkdir -p "${at}/etc/ssl/certs"`, `mount --bind /etc/ssl/certs "${at}/etc/ssl/certs"`] : []),
    `chroot "${at}" /usr/bin/env -i -C "${stage.folder}" ${assignments({ PATH: defaultPath, HOME: '/root', ...registryEnvironment(), ...stage.env })} sh -c ${quote(command)}`,
  ]);
}

function registryEnvironment(): Record<string, string> {
  const names = /^(npm_config_registry|npm_config_cafile|https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_file)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name, value]) => names.test(name) && value !== undefined)) as Record<
    string,
    string
  >;
}

function copy(stage: Built, text: string, context: string, built: ReadonlyMap<string, Built>): void {
  const match = /^(?:--from=(\S+) )?(.+) (\S+)$/.exec(text);
  const [, from, sources = '', to = ''] = match ?? [];
  const source = from === undefined ? undefined : built.get(from);
  if (from !== undefined && source === undefined) throw new Error(`COPY --from=${from}: there is no such stage`);
  const at = source === undefined ? context : `${source.work}-root`;
  mkdirSync(at, { recursive: true });
  const target = join(stage.upper, to.startsWith('/') ? '' : stage.folder, to);
  const lines = sources.split(' ').map((path) => {
    const isFolder = source === undefined ? statSync(join(at, path)).isDirectory() : true;
    if (isFolder) return `mkdir -p "${target}" && cp -a "${join(at, path)}/." "${target}/"`;
    return `mkdir -p "${/\/$/.test(to) ? target : dirname(target)}" && cp -a "${join(at, path)}" "${target}"`;
  });
  inNamespace([
    ...(source === undefined ? [] : [mounting(source, at)]),
    ...lines,
    ...(source === undefined ? [`chown -R 0:0 "${target}"`] : []),
  ]);
}

function inNamespace(lines: readonly string[]): void {
  const args = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-euc', lines.join('\n')];
  execFileSync('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 16_777_216 });
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const assignments = (env: Readonly<Record<string, string>>): string =>
  Object.entries(env)
    .map(([name, value]) => quote(`${name}=${value}`))
    .join(' ');
