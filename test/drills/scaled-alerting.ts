import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { alertsOf, prometheusFolder, readRules } from '../ops/rules/rule-files.js';
import { durationMs, scaleRules } from '../ops/rules/scale-rules.js';

/** The shipped rules with every time divided by `factor`. */
export function scaledRules(factor: number): string {
  return stringify(scaleRules(readRules(), 1 / factor));
}

/** All shipped alerts, and the receiver that is to be told of each. */
export function shippedAlerts(): ReadonlyMap<string, string> {
  return new Map(alertsOf(readRules()).map(({ alert, labels }) => [alert, labels?.['severity'] === 'page' ? 'pages' : 'tickets']));
}

/** The shipped configuration of Alertmanager with every time of its routes divided by `factor`, its receivers all behind one webhook under their own names. */
export function scaledAlertmanager(factor: number, webhookUrl: string): string {
  const path = join(prometheusFolder, 'alertmanager.yml');
  const config = parse(readFileSync(path, 'utf8')) as { readonly route: object; readonly receivers: readonly { readonly name: string }[] };
  scaleWaits(config.route, factor);
  const receivers = config.receivers.map(({ name }) => ({ name, webhook_configs: [{ url: webhookUrl, send_resolved: true }] }));
  return stringify({ ...config, global: {}, templates: [], receivers });
}

const waits = new Set(['group_wait', 'group_interval', 'repeat_interval']);
const waitMsMin = 500;

function scaleWaits(value: unknown, factor: number): void {
  if (typeof value !== 'object' || value === null) return;
  const fields = value as Record<string, unknown>;
  for (const [name, field] of Object.entries(fields)) {
    if (waits.has(name)) fields[name] = `${Math.max(waitMsMin, Math.round(durationMs(String(field)) / factor))}ms`;
    else scaleWaits(field, factor);
  }
}
