import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Annotation, Dashboard, Panel, Target } from '../../../deploy/dashboards/generator/grafana-model.js';
import { repositoryPath } from '../../platform/run-folder.js';

export const dashboardsPath = join(repositoryPath, 'deploy', 'dashboards');

export interface CommittedDashboard {
  readonly file: string;
  readonly text: string;
  readonly dashboard: Dashboard;
}

/** The JSON files as Grafana would be given them. */
export function readDashboards(): readonly CommittedDashboard[] {
  return readdirSync(dashboardsPath)
    .filter((name) => name.endsWith('.json'))
    .map((file) => {
      const text = readFileSync(join(dashboardsPath, file), 'utf8');
      return { file, text, dashboard: JSON.parse(text) as Dashboard };
    });
}

/** All but the titles of rows. */
export function panelsOf({ panels }: Dashboard): readonly Panel[] {
  return panels.filter((panel): panel is Panel => panel.type !== 'row');
}

export interface Expression {
  /** For messages. */
  readonly where: string;
  readonly expr: string;
  readonly of: Target | Annotation;
}

/** Every expression of panels and annotations. */
export function expressionsOf(dashboard: Dashboard): readonly Expression[] {
  const ofPanels = panelsOf(dashboard).flatMap(({ title, targets }) =>
    targets.map((of) => ({ where: `${dashboard.uid}, "${title}" ${of.refId}`, expr: of.expr, of })),
  );
  const ofAnnotations = dashboard.annotations.list.flatMap((of) =>
    of.expr === undefined ? [] : [{ where: `${dashboard.uid}, annotation "${of.name}"`, expr: of.expr, of }],
  );
  return [...ofPanels, ...ofAnnotations];
}

/** What Grafana sends while everything is chosen. */
export function interpolate(expr: string, rateInterval = '1m', range = '1h'): string {
  const values: Readonly<Record<string, string>> = {
    cluster: '.*',
    namespace: '.*',
    job: '.+',
    instance: '.+',
    __rate_interval: rateInterval,
    __range: range,
  };
  return expr.replace(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nobody gives $${name} a value`);
    return value;
  });
}

/** Names of metrics in an expression; those of histograms with their `_bucket`, `_sum` or `_count`. */
export function metricsOf(expr: string): readonly string[] {
  return [...new Set(expr.match(/\b(?:(?:selvage|process|nodejs)_\w+|ALERTS)\b/g) ?? [])];
}
