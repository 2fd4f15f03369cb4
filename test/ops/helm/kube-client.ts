import { Agent, request } from 'node:https';
import type { Manifest } from './chart.js';

export interface KubeAnswer {
  readonly status: number;
  readonly body: unknown;
  /** What it has to say beside its answer: deprecations, pod security. */
  readonly warnings: readonly string[];
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** The few requests that the tests make of an API server. */
export class KubeClient {
  readonly #server: string;
  readonly #token: string;
  // The server makes its certificate itself.
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  readonly #resources = new Map<string, Promise<ResourceList>>();

  constructor(server: string, token: string) {
    this.#server = server;
    this.#token = token;
  }

  async isReady(): Promise<boolean> {
    return (await this.#ask('GET', '/readyz')).status === 200;
  }

  /** A namespace in which only pods of the `restricted` standard may be, with the service account that every namespace has. */
  async makeRestrictedNamespace(name: string): Promise<void> {
    const rules = Object.fromEntries(['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']));
    mustBe(201, await this.#ask('POST', '/api/v1/namespaces', { metadata: { name, labels: rules } }));
    mustBe(201, await this.#ask('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } }));
  }

  /** Server-side apply with strict fields: an unknown or doubled field is refused, as is what admission refuses. */
  async apply(manifest: Manifest, namespace: string, how: 'dry-run' | 'for-real' = 'dry-run'): Promise<KubeAnswer> {
    const path = await this.#pathOf(manifest, namespace);
    const dryRun = how === 'dry-run' ? '&dryRun=All' : '';
    const query = `?fieldManager=test&force=true&fieldValidation=Strict${dryRun}`;
    return this.#ask('PATCH', `${path}/${manifest.metadata.name}${query}`, manifest, 'application/apply-patch+yaml');
  }

  /** Whether a pod would be let in, now. */
  async tryPod(pod: unknown, namespace: string): Promise<KubeAnswer> {
    return this.#ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`, pod);
  }

  async get(path: string): Promise<KubeAnswer> {
    return this.#ask('GET', path);
  }

  async #pathOf({ apiVersion, kind, metadata }: Manifest, namespace: string): Promise<string> {
    const api = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    let resources = this.#resources.get(api);
    if (!resources) {
      resources = this.#ask('GET', api).then((answer) => mustBe(200, answer).body as ResourceList);
      this.#resources.set(api, resources);
    }
    const found = (await resources).resources.find((one) => one.kind === kind && !one.name.includes('/'));
    if (!found) throw new Error(`the server knows no ${kind} of ${apiVersion}`);
    return found.namespaced ? `${api}/namespaces/${metadata.namespace ?? namespace}/${found.name}` : `${api}/${found.name}`;
  }

  #ask(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<KubeAnswer> {
    const headers = { authorization: `Bearer ${this.#token}`, accept: 'application/json', 'content-type': contentType };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#server}${path}`, { method, headers, agent: this.#agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('error', reject).once('end', () => {
          const warnings = [response.headers['warning'] ?? []].flat();
          resolve({ status: response.statusCode ?? 0, body: parseOrText(text), warnings });
        });
      });
      sent.once('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function mustBe(status: number, answer: KubeAnswer): KubeAnswer {
  if (answer.status !== status) throw new Error(`answered ${String(answer.status)}: ${JSON.stringify(answer.body)}`);
  return answer;
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
