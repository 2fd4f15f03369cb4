import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { provideEnvoy, provideHaproxy, provideNginx } from '../../../scripts/ops/tools/tools.mjs';
import { Authority, bundle } from '../../integration/security/certificates.js';
import type { Certificate } from '../../integration/security/certificates.js';
import { freePort } from '../../platform/free-port.js';
import { OwnedProcess } from '../../platform/owned-process.js';
import { makeRunFolder, removeRunFolder } from '../../platform/run-folder.js';
import { waitFor } from '../../platform/wait-for.js';
import { adaptConfig } from './adapt-config.js';

export type ProxyKind = 'nginx' | 'haproxy' | 'haproxy-tcp' | 'envoy';

/** Where a node, or what stands for one, listens. */
export interface Upstream {
  readonly port: number;
  readonly adminPort: number;
}

interface Surroundings {
  readonly folder: string;
  readonly certificate: Certificate;
  readonly port: number;
  readonly plainPort: number;
  readonly nodes: readonly [Upstream, Upstream];
}

interface Program {
  readonly path: string;
  readonly args: readonly string[];
  /** Arguments with which it only reads its configuration. */
  readonly checkArgs: readonly string[];
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** A proxy, run with the configuration that we ship, in front of two nodes. `close` it. */
export class Proxy {
  readonly kind: ProxyKind;
  /** Of TLS. */
  readonly port: number;
  readonly plainPort: number;
  /** PEM of the authority that signed its certificate. */
  readonly authority: string;
  readonly #folder: string;
  readonly #process: OwnedProcess;

  private constructor(kind: ProxyKind, surroundings: Surroundings, authority: string, program: Program) {
    this.kind = kind;
    this.port = surroundings.port;
    this.plainPort = surroundings.plainPort;
    this.authority = authority;
    this.#folder = surroundings.folder;
    this.#process = new OwnedProcess({ file: program.path, args: program.args, folder: surroundings.folder, name: kind });
  }

  /** Has the proxy check its configuration, starts it and waits until it listens. `changes` are made to the shipped text after addresses and paths, for what cannot be waited for. */
  static async start(
    kind: ProxyKind,
    nodes: readonly [Upstream, Upstream],
    changes: readonly (readonly [string, string])[] = [],
  ): Promise<Proxy> {
    const folder = makeRunFolder(kind);
    // nginx's workers are another user.
    chmodSync(folder, 0o755);
    const authority = new Authority(folder, 'authority');
    const certificate = authority.sign('proxy');
    const surroundings = { folder, certificate, port: await freePort(), plainPort: await freePort(), nodes };
    const program = await programs[kind](surroundings, changes);
    checkConfig(program, folder);
    const proxy = new Proxy(kind, surroundings, readFileSync(authority.cert, 'utf8'), program);
    try {
      await waitFor(() => isListening(proxy.port), { what: `${kind} to listen` });
    } catch (error) {
      const { log } = proxy;
      await proxy.close();
      throw new Error(`${String(error)}\n${log}`, { cause: error });
    }
    return proxy;
  }

  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  get log(): string {
    return this.#process.logTail(1_000);
  }

  /** Memory of all its processes that is in RAM and its own, in bytes. */
  get residentBytes(): number {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && groupOf(name) === this.#process.pid);
    return pids.reduce((sum, pid) => sum + anonymousBytes(pid), 0);
  }

  async close(): Promise<void> {
    this.#process.kill();
    await this.#process.ended;
    removeRunFolder(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const programs: Record<ProxyKind, (surroundings: Surroundings, changes: readonly (readonly [string, string])[]) => Promise<Program>> = {
  async nginx({ folder, certificate, port, plainPort, nodes }, changes) {
    const replaced = [
      ['/etc/nginx/tls/tls.crt', certificate.cert],
      ['/etc/nginx/tls/tls.key', certificate.key],
      ['/tmp/nginx.pid', join(folder, 'nginx.pid')],
      ['listen 443 ', `listen 127.0.0.1:${port} `],
      ['listen 80;', `listen 127.0.0.1:${plainPort};`],
      ...nodes.map(({ port: nodePort }, index) => [`selvage-${index + 1}:8080`, `127.0.0.1:${nodePort}`] as const),
      ...changes,
    ] as const;
    const path = adaptConfig('deploy/proxies/nginx/nginx.conf', replaced, join(folder, 'nginx.conf'));
    const args = ['-p', folder, '-e', 'stderr', '-c', path];
    return { path: await provideNginx(), args: [...args, '-g', 'daemon off;'], checkArgs: [...args, '-t'] };
  },

  haproxy(surroundings, changes) {
    const plain = ['bind :80', `bind 127.0.0.1:${surroundings.plainPort}`] as const;
    return prepareHaproxy('haproxy.cfg', surroundings, [plain, ...changes]);
  },

  'haproxy-tcp'(surroundings, changes) {
    return prepareHaproxy('haproxy-tcp.cfg', surroundings, changes);
  },

  async envoy({ folder, certificate, port, nodes }, changes) {
    const replaced = [
      ['/etc/envoy/tls/tls.crt', certificate.cert],
      ['/etc/envoy/tls/tls.key', certificate.key],
      ['port_value: 9901', `port_value: ${await freePort()}`],
      ['address: 0.0.0.0, port_value: 443', `address: 127.0.0.1, port_value: ${port}`],
      ...nodes.map(
        (node, index) =>
          [
            `address: selvage-${index + 1}, port_value: 8080 } }\n                  health_check_config: { port_value: 9090 }`,
            `address: 127.0.0.1, port_value: ${node.port} } }\n                  health_check_config: { port_value: ${node.adminPort} }`,
          ] as const,
      ),
      ...changes,
    ] as const;
    const path = adaptConfig('deploy/proxies/envoy/envoy.yaml', replaced, join(folder, 'envoy.yaml'));
    const shared = ['-c', path, '--use-dynamic-base-id', '--log-level', 'warning'];
    return { path: await provideEnvoy(), args: [...shared, '--concurrency', '1'], checkArgs: [...shared, '--mode', 'validate'] };
  },
};

async function prepareHaproxy(
  name: string,
  { folder, certificate, port, nodes }: Surroundings,
  changes: readonly (readonly [string, string])[],
): Promise<Program> {
  const replaced = [
    ['bind :443', `bind 127.0.0.1:${port}`],
    ['/etc/haproxy/tls.pem', bundle(certificate)],
    // It does not start where it may not open two files a connection.
    ['  maxconn 50000\n', '  maxconn 5000\n'],
    ...nodes.map(
      (node, index) =>
        [
          `server selvage-${index + 1} selvage-${index + 1}:8080`,
          `server selvage-${index + 1} 127.0.0.1:${node.port} check port ${node.adminPort}`,
        ] as const,
    ),
    ...changes,
  ] as const;
  const path = adaptConfig(`deploy/proxies/haproxy/${name}`, replaced, join(folder, name));
  return { path: await provideHaproxy(), args: ['-db', '-f', path], checkArgs: ['-c', '-f', path] };
}

/** Output goes to a file: /dev/stdout cannot be opened where it is a socket. */
function checkConfig({ path, checkArgs }: Program, folder: string): void {
  const said = join(folder, 'check.log');
  const file = openSync(said, 'w');
  const { status } = spawnSync(path, checkArgs, { stdio: ['ignore', file, file] });
  closeSync(file);
  if (status !== 0) throw new Error(readFileSync(said, 'utf8'));
}

function groupOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined; // ended between the two looks
  }
}

function anonymousBytes(pid: string): number {
  const match = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1_024;
}
