import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { providePrometheus } from '../../../scripts/ops/tools/tools.mjs';
import { freePort } from '../../platform/free-port.js';
import { OwnedProcess } from '../../platform/owned-process.js';
import { makeRunFolder, removeRunFolder } from '../../platform/run-folder.js';
import { waitFor } from '../../platform/wait-for.js';

export interface PrometheusOptions {
  readonly job: string;
  /** `host:port` of what is scraped, every second. */
  readonly targets: readonly string[];
  /** A file of rules as an object; evaluated every second. */
  readonly rules: object;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Answer<Data> {
  readonly status: string;
  readonly data: Data;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

/** A real Prometheus. Always `close` it. */
export class PrometheusServer {
  readonly url: string;
  readonly #process: OwnedProcess;
  readonly #folder: string;

  private constructor(url: string, started: OwnedProcess, folder: string) {
    this.url = url;
    this.#process = started;
    this.#folder = folder;
  }

  static async start({ job, targets, rules }: PrometheusOptions): Promise<PrometheusServer> {
    const file = await providePrometheus();
    const folder = makeRunFolder('prometheus');
    const port = await freePort();
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: job, static_configs: [{ targets }] }],
    };
    writeFileSync(join(folder, 'prometheus.yaml'), JSON.stringify(config)); // JSON is YAML
    writeFileSync(join(folder, 'rules.yaml'), JSON.stringify(rules));
    const address = `127.0.0.1:${port}`;
    const args = [`--config.file=prometheus.yaml`, `--storage.tsdb.path=data`, `--web.listen-address=${address}`];
    const server = new PrometheusServer(`http://${address}`, new OwnedProcess({ file, args, folder, name: 'prometheus' }), folder);
    try {
      await waitFor(async () => (await fetch(`${server.url}/-/ready`)).ok, { timeoutMs: 20_000, what: 'Prometheus' });
    } catch (error) {
      const tail = server.#process.logTail();
      server.close();
      throw new Error(`${String(error)}\n${tail}`, { cause: error });
    }
    return server;
  }

  /** The present answer; throws with Prometheus's own words. */
  async query(expr: string): Promise<readonly Sample[]> {
    const { resultType, result } = await this.#ask<{ resultType: string; result: Sample[] | Sample['value'] }>('query', { query: expr });
    return resultType === 'scalar' ? [{ metric: {}, value: result as Sample['value'] }] : (result as Sample[]);
  }

  /** What `label_values(<selector>, <label>)` of Grafana gives. */
  labelValues(selector: string, label: string): Promise<readonly string[]> {
    return this.#ask<readonly string[]>(`label/${label}/values`, { 'match[]': selector }, 'GET');
  }

  close(): void {
    this.#process.kill();
    removeRunFolder(this.#folder);
  }

  async #ask<Data>(path: string, parameters: Readonly<Record<string, string>>, method = 'POST'): Promise<Data> {
    const body = new URLSearchParams(parameters);
    const url = `${this.url}/api/v1/${path}`;
    const response = method === 'POST' ? await fetch(url, { method, body }) : await fetch(`${url}?${body.toString()}`);
    const answer = (await response.json()) as Answer<Data>;
    if (answer.status !== 'success' || (answer.warnings ?? []).length > 0)
      throw new Error(`${answer.error ?? String(answer.warnings)}: ${body.toString()}`);
    return answer.data;
  }
}
