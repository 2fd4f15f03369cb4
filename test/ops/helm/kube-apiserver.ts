import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provideEtcd, provideKubeApiserver } from '../../../scripts/ops/tools/tools.mjs';
import { freePort } from '../../platform/free-port.js';
import { OwnedProcess } from '../../platform/owned-process.js';
import { makeRunFolder, removeRunFolder } from '../../platform/run-folder.js';
import { waitFor } from '../../platform/wait-for.js';
import { KubeClient } from './kube-client.js';

const readyMs = 120_000;

/**
 * A real Kubernetes API server with its etcd: it judges and keeps objects as a cluster does. Nothing beside it runs, so that no pod is ever started and what
 * controllers would make (the service account `default`) is missing. Always `close` it (also `await using`).
 */
export class KubeApiserver {
  /** For `KUBECONFIG`; the user may do everything. */
  readonly kubeconfigPath: string;
  readonly client: KubeClient;
  readonly #folder: string;
  readonly #processes: OwnedProcess[] = [];

  private constructor(folder: string, port: number, token: string) {
    this.#folder = folder;
    const server = `https://127.0.0.1:${String(port)}`;
    this.client = new KubeClient(server, token);
    this.kubeconfigPath = join(folder, 'kubeconfig');
    writeFileSync(this.kubeconfigPath, kubeconfig(server, token));
  }

  /** Builds both programs where no run has done so yet (5 minutes of two cores), starts them, and returns when the server is ready. */
  static async start(): Promise<KubeApiserver> {
    const [etcd, apiserver] = [await provideEtcd(), await provideKubeApiserver()];
    const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()];
    const folder = makeRunFolder('kube-apiserver');
    const token = randomBytes(16).toString('hex');
    const server = new KubeApiserver(folder, port, token);
    try {
      const etcdUrl = `http://127.0.0.1:${String(etcdPort)}`;
      server.#run(etcd, 'etcd', etcdArgs(folder, etcdUrl, `http://127.0.0.1:${String(peerPort)}`));
      const started = server.#run(apiserver, 'kube-apiserver', apiserverArgs(folder, port, etcdUrl, token));
      await waitFor(async () => !started.isRunning || (await server.client.isReady()), { timeoutMs: readyMs, what: 'the API server' });
      if (!started.isRunning) throw new Error(`kube-apiserver ended while starting\n${started.logTail()}`);
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  #run(file: string, name: string, args: readonly string[]): OwnedProcess {
    const started = new OwnedProcess({ file, args, folder: this.#folder, name });
    this.#processes.push(started);
    return started;
  }

  async close(): Promise<void> {
    for (const one of this.#processes) one.kill();
    await Promise.all(this.#processes.map((one) => one.ended));
    removeRunFolder(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function etcdArgs(folder: string, url: string, peerUrl: string): readonly string[] {
  const listen = ['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peerUrl];
  const self = ['--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `default=${peerUrl}`];
  return ['--data-dir', join(folder, 'etcd'), ...listen, ...self, '--unsafe-no-fsync'];
}

function apiserverArgs(folder: string, port: number, etcdUrl: string, token: string): readonly string[] {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const keyPath = join(folder, 'service-accounts.pem');
  writeFileSync(keyPath, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const tokensPath = join(folder, 'tokens.csv');
  writeFileSync(tokensPath, `${token},tester,tester,system:masters\n`);
  return [
    ...[
      '--etcd-servers',
      etcdUrl,
      '--bind-address',
      '127.0.0.1',
      '--secure-port',
      String(port),
      '--cert-dir',
      join(folder, 'certificates'),
    ],
    ...['--service-account-issuer', 'https://kubernetes.default.svc', '--service-account-key-file', keyPath],
    ...['--service-account-signing-key-file', keyPath, '--service-cluster-ip-range', '10.0.0.0/16'],
    ...['--token-auth-file', tokensPath, '--authorization-mode', 'RBAC', '--profiling=false'],
  ];
}

function kubeconfig(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'tester', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'tester' } }],
    'current-context': 'test',
  });
}
