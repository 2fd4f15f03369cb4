import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provideAlertmanager, providePrometheus } from '../../scripts/ops/tools/tools.mjs';
import { freePort } from '../platform/free-port.js';
import { OwnedProcess } from '../platform/owned-process.js';
import { makeRunFolder, removeRunFolder } from '../platform/run-folder.js';
import { waitFor } from '../platform/wait-for.js';
import { AlertReceiver } from './alert-receiver.js';
import type { Notice } from './alert-receiver.js';

const readyMs = 20_000;
const askMs = 5_000;

export interface Target {
  /** `host:port` of the admin port. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface AlertingOptions {
  readonly targets: readonly Target[];
  /** A rule file, its times already scaled. */
  readonly rules: string;
  /** Alertmanager's configuration for a receiver that waits at this address, its times already scaled. */
  readonly alertmanager: (webhookUrl: string) => string;
}

/** What is known of the alerts at one moment, by their names. */
export interface Look {
  /** Nothing inhibits them: somebody is told. */
  readonly active: ReadonlySet<string>;
  /** They fire, and another that fires says it all. */
  readonly inhibited: ReadonlySet<string>;
  /** Their condition holds, not yet for long enough. */
  readonly pending: ReadonlySet<string>;
}

interface PrometheusAlert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
}

interface AlertmanagerAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: 'active' | 'suppressed' | 'unprocessed' };
}

/** A real Prometheus that scrapes and evaluates every second, and a real Alertmanager behind it; nothing is remembered from an earlier one. `close` it. */
export class Alerting {
  readonly #folder = makeRunFolder('alerting');
  readonly #receiver: AlertReceiver;
  readonly #prometheusPort: number;
  readonly #alertmanagerPort: number;
  readonly #processes: OwnedProcess[] = [];

  private constructor(receiver: AlertReceiver, prometheusPort: number, alertmanagerPort: number) {
    this.#receiver = receiver;
    this.#prometheusPort = prometheusPort;
    this.#alertmanagerPort = alertmanagerPort;
  }

  /** Returns when every target was scraped and every rule evaluated. */
  static async start(options: AlertingOptions): Promise<Alerting> {
    const alerting = new Alerting(await AlertReceiver.start(), await freePort(), await freePort());
    try {
      await alerting.#spawn(options);
      await alerting.#waitUntilWatching(options.targets.length);
    } catch (error) {
      const logs = alerting.#processes.map((one) => `--- ${one.name}\n${one.logTail()}`).join('\n');
      await alerting.close();
      throw new Error(`${String(error)}\n${logs}`, { cause: error });
    }
    return alerting;
  }

  /** What was sent to receivers so far. */
  get notices(): readonly Notice[] {
    return this.#receiver.notices;
  }

  async look(): Promise<Look> {
    const [{ data }, known] = await Promise.all([
      ask<{ data: { alerts: PrometheusAlert[] } }>(`${this.#prometheusUrl}/api/v1/alerts`),
      ask<AlertmanagerAlert[]>(`${this.#alertmanagerUrl}/api/v2/alerts`),
    ]);
    const namesOf = (alerts: readonly { readonly labels: Readonly<Record<string, string>> }[]): ReadonlySet<string> =>
      new Set(alerts.map(({ labels }) => labels['alertname'] ?? '?'));
    return {
      active: namesOf(known.filter(({ status }) => status.state !== 'suppressed')),
      inhibited: namesOf(known.filter(({ status }) => status.state === 'suppressed')),
      pending: namesOf(data.alerts.filter(({ state }) => state === 'pending')),
    };
  }

  /** The samples of an expression now, `{labels} → value`, for reports. */
  async query(expression: string): Promise<readonly string[]> {
    const { data } = await ask<{ data: { result: { metric: Record<string, string>; value: [number, string] }[] } }>(
      `${this.#prometheusUrl}/api/v1/query?query=${encodeURIComponent(expression)}`,
    );
    return data.result.map(({ metric, value }) => `${JSON.stringify(metric)} → ${value[1]}`);
  }

  async close(): Promise<void> {
    for (const one of this.#processes) one.kill();
    for (const one of this.#processes) await one.ended;
    await this.#receiver.close();
    removeRunFolder(this.#folder);
  }

  get #prometheusUrl(): string {
    return `http://127.0.0.1:${this.#prometheusPort}`;
  }

  get #alertmanagerUrl(): string {
    return `http://127.0.0.1:${this.#alertmanagerPort}`;
  }

  async #spawn({ targets, rules, alertmanager }: AlertingOptions): Promise<void> {
    const path = (name: string): string => join(this.#folder, name);
    for (const folder of ['prometheus', 'alertmanager']) mkdirSync(path(folder));
    writeFileSync(path('rules.yaml'), rules);
    writeFileSync(path('alertmanager.yml'), alertmanager(this.#receiver.url));
    writeFileSync(path('prometheus.yml'), JSON.stringify(this.#prometheusConfig(targets)));
    const alertmanagerArgs = [
      `--config.file=${path('alertmanager.yml')}`,
      `--storage.path=${path('alertmanager')}`,
      `--web.listen-address=127.0.0.1:${this.#alertmanagerPort}`,
      '--cluster.listen-address=',
    ];
    const prometheusArgs = [
      `--config.file=${path('prometheus.yml')}`,
      `--storage.tsdb.path=${path('prometheus')}`,
      `--web.listen-address=127.0.0.1:${this.#prometheusPort}`,
      '--rules.alert.resend-delay=1s',
    ];
    const env = { PATH: process.env['PATH'] ?? '', GOMAXPROCS: '1' };
    const launch = (name: string, file: string, args: readonly string[]): void =>
      void this.#processes.push(new OwnedProcess({ name, file, args, folder: this.#folder, env }));
    launch('alertmanager', await provideAlertmanager(), alertmanagerArgs);
    launch('prometheus', await providePrometheus(), prometheusArgs);
  }

  #prometheusConfig(targets: readonly Target[]): object {
    return {
      global: { scrape_interval: '1s', scrape_timeout: '900ms', evaluation_interval: '1s' },
      rule_files: [join(this.#folder, 'rules.yaml')],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${this.#alertmanagerPort}`] }] }] },
      scrape_configs: [{ job_name: 'selvage', static_configs: targets.map(({ address, labels }) => ({ targets: [address], labels })) }],
    };
  }

  async #waitUntilWatching(targetCount: number): Promise<void> {
    const isWatching = async (): Promise<boolean> => {
      if (this.#processes.some(({ isRunning }) => !isRunning)) throw new Error('Prometheus or Alertmanager ended while starting');
      const [up, { data }] = await Promise.all([
        this.query('up == 1'),
        ask<{ data: { groups: { rules: { health: string; lastError?: string; name: string }[] }[] } }>(
          `${this.#prometheusUrl}/api/v1/rules`,
        ),
        this.look(),
      ]);
      const rules = data.groups.flatMap((group) => group.rules);
      const broken = rules.find(({ health }) => health === 'err');
      if (broken !== undefined) throw new Error(`the rule ${broken.name} fails: ${broken.lastError ?? ''}`);
      return up.length === targetCount && rules.length > 0 && rules.every(({ health }) => health === 'ok');
    };
    await waitFor(isWatching, { timeoutMs: readyMs, everyMs: 200, what: 'Prometheus to watch every target by every rule' });
  }
}

async function ask<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(askMs) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return (await answer.json()) as T;
}
