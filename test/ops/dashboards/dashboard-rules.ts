import type { Dashboard, Variable } from '../../../deploy/dashboards/generator/grafana-model.js';
import { expressionsOf, panelsOf } from './committed-dashboards.js';

/** What must hold of a dashboard; `check` gives a sentence for each place where it does not. The first ones are those of Grafana's dashboard linter. */
export interface DashboardRule {
  readonly name: string;
  check(dashboard: Dashboard): readonly string[];
}

const chosen = '${datasource}';

/** Units of Grafana's value formats that mean something for these dashboards. */
const units = ['short', 'none', 'percentunit', 's', 'bytes', 'Bps', 'cps', 'reqps', 'ops', 'string', 'dateTimeFromNow'];

const selectors = /\b(?:selvage|process|nodejs)_\w+(\{[^}]*\})?/g;

export const dashboardRules: readonly DashboardRule[] = [
  {
    name: 'the data source is chosen by a variable',
    check({ templating }) {
      const found = templating.list.filter(({ type }) => type === 'datasource');
      const [only] = found;
      const isRight = found.length === 1 && only?.name === 'datasource' && only.label === 'Data source' && only.query === 'prometheus';
      return isRight ? [] : ['there is not exactly one variable `datasource` labelled "Data source" of type prometheus'];
    },
  },
  { name: 'jobs are chosen by a variable', check: (dashboard) => findFaultsOfLabel(dashboard, 'job', 'Job', '.+') },
  { name: 'instances are chosen by a variable', check: (dashboard) => findFaultsOfLabel(dashboard, 'instance', 'Instance', '.+') },
  {
    name: 'clusters and namespaces are chosen by variables that match their absence too',
    check: (dashboard) => [
      ...findFaultsOfLabel(dashboard, 'cluster', 'Cluster', '.*'),
      ...findFaultsOfLabel(dashboard, 'namespace', 'Namespace', '.*'),
    ],
  },
  {
    name: 'variables follow the time range',
    check: ({ templating }) =>
      templating.list.filter(({ type, refresh }) => type === 'query' && refresh !== 2).map(({ name }) => `${name} is not read anew`),
  },
  {
    name: 'every panel, query and annotation uses the chosen data source',
    check: (dashboard) => [
      ...panelsOf(dashboard).flatMap(({ title, datasource, targets }) =>
        [datasource, ...targets.map((target) => target.datasource)]
          .filter(({ type, uid }) => type !== 'prometheus' || uid !== chosen)
          .map(({ uid }) => `"${title}" uses ${uid}`),
      ),
      ...dashboard.annotations.list
        .filter(({ builtIn, datasource }) => builtIn !== 1 && datasource.uid !== chosen)
        .map(({ name }) => `annotation "${name}" does not use the chosen data source`),
    ],
  },
  {
    name: 'every panel has a title, and no two have the same',
    check: (dashboard) => {
      const titles = panelsOf(dashboard).map(({ title }) => title);
      return titles.filter((title, index) => title.trim() === '' || titles.indexOf(title) !== index).map((title) => `"${title}"`);
    },
  },
  {
    name: 'every panel says what it shows, what is normal and what to do if not',
    check: (dashboard) =>
      panelsOf(dashboard)
        .filter(({ description }) => !/^[^\n]{10,}\n\n\*\*Normal:\*\* [^\n]{2,}\n\n\*\*If not:\*\* [^\n]{10,}$/.test(description))
        .map(({ title }) => `"${title}"`),
  },
  {
    name: 'every panel has a unit that Grafana knows',
    check: (dashboard) =>
      panelsOf(dashboard)
        .filter(({ fieldConfig }) => !units.includes(fieldConfig.defaults.unit ?? ''))
        .map(({ title }) => `"${title}"`),
  },
  {
    name: 'every panel has queries, with names of their own',
    check: (dashboard) =>
      panelsOf(dashboard)
        .filter(({ targets }) => targets.length === 0 || new Set(targets.map(({ refId }) => refId)).size !== targets.length)
        .map(({ title }) => `"${title}"`),
  },
  {
    name: 'every selector is narrowed to the chosen nodes',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr }) =>
        [...expr.matchAll(selectors)]
          .filter(
            ([, matchers = '']) =>
              !['cluster', 'namespace', 'job', 'instance'].every((label) => matchers.includes(`${label}=~"$${label}"`)),
          )
          .map(([selector]) => `${where}: ${selector}`),
      ),
  },
  {
    name: 'alerts, of which not all have a job, are narrowed to the chosen cluster and namespace, and are ours',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr }) =>
        [...expr.matchAll(/\bALERTS(\{[^}]*\})?/g)]
          .filter(
            ([, matchers = '']) =>
              !['alertname=~"Selvage.+"', 'cluster=~"$cluster"', 'namespace=~"$namespace"'].every((one) => matchers.includes(one)),
          )
          .map(([selector]) => `${where}: ${selector}`),
      ),
  },
  {
    name: 'a range is the rate interval, or all that is shown',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr }) =>
        [...expr.replace(/"[^"]*"/g, '""').matchAll(/\[([^\]]*)\]/g)]
          .filter(([, range = '']) => !['$__rate_interval', '$__range'].includes(range))
          .map(([range]) => `${where}: ${range}`),
      ),
  },
  {
    name: 'a counter is taken as a rate or an increase, before it is summed',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr }) =>
        [
          ...expr.matchAll(
            /(\w+)?\(?(?<![\w])((?:selvage|process|nodejs)_\w+?_(?:total|bucket|sum|count))\{[^}]*\}(\[\$__(?:rate_interval|range)\])?/g,
          ),
        ]
          .filter(([whole, , , range]) => !/^(rate|increase)\(/.test(whole) || range === undefined)
          .map(([whole]) => `${where}: ${whole}`),
      ),
  },
  {
    name: 'a quantile is of buckets summed by le',
    check: (dashboard) =>
      expressionsOf(dashboard)
        .filter(({ expr }) => /histogram_quantile\((?!0\.\d+, sum by \(le[,)])/.test(expr))
        .map(({ where }) => where),
  },
  {
    name: 'lines have legends that tell them apart',
    check: (dashboard) =>
      panelsOf(dashboard)
        .filter(({ type }) => type === 'timeseries')
        .filter(
          ({ targets }) => new Set(targets.map(({ legendFormat }) => legendFormat)).size !== targets.length || targets.some(lacksLegend),
        )
        .map(({ title }) => `"${title}"`),
  },
  {
    name: 'labels in legends are labels of the result',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr, of }) => {
        const legend = 'legendFormat' in of ? of.legendFormat : '';
        return [...legend.matchAll(/\{\{(\w+)\}\}/g)]
          .filter(([, label = '']) => !new RegExp(`by \\([^)]*\\b${label}\\b[^)]*\\)`).test(expr))
          .map(([label]) => `${where}: ${label}`);
      }),
  },
  {
    name: 'ids are unique',
    check: ({ panels }) => {
      const ids = panels.map(({ id }) => id);
      return ids.filter((id, index) => ids.indexOf(id) !== index).map(String);
    },
  },
  { name: 'panels stand within 24 columns and not on one another', check: findFaultsOfPlaces },
  {
    name: 'rows are open, with all panels in the dashboard itself',
    check: ({ panels }) =>
      panels.flatMap((panel) => (panel.type === 'row' && (panel.collapsed || panel.panels.length > 0) ? [panel.title] : [])),
  },
  {
    name: 'thresholds begin at nothing and rise',
    check: (dashboard) =>
      panelsOf(dashboard)
        .filter(({ fieldConfig }) => {
          const values = fieldConfig.defaults.thresholds?.steps.map(({ value }) => value) ?? [null];
          return values[0] !== null || values.slice(1).some((value, index) => value === null || value <= (values[index] ?? -Infinity));
        })
        .map(({ title }) => `"${title}"`),
  },
  {
    name: 'numbers and tables are of the present, not the last of what was',
    check: (dashboard) =>
      panelsOf(dashboard)
        .filter(({ type }) => type === 'stat' || type === 'table')
        .filter(({ type, targets, options }) => {
          const isLast = type === 'table' || JSON.stringify(options['reduceOptions']).includes('"calcs":["last"]');
          return !isLast || !targets.every(({ instant, range }) => instant && !range);
        })
        .map(({ title }) => `"${title}"`),
  },
  {
    name: 'the first row answers in numbers, each coloured or blue',
    check: (dashboard) => {
      const top = panelsOf(dashboard).filter(({ gridPos }) => gridPos.y === 1);
      const width = top.reduce((sum, { gridPos }) => sum + gridPos.w, 0);
      return top.every(({ type }) => type === 'stat') && width === 24 ? [] : [`${top.length} panels over ${width} columns`];
    },
  },
  {
    name: 'the dashboard is found by its tag, leads to the others, and cannot be changed by hand',
    check: ({ tags, links, editable, uid, schemaVersion }) => [
      ...(tags.includes('selvage') ? [] : ['no tag']),
      ...(links.some(({ type, tags: linked }) => type === 'dashboards' && linked.includes('selvage')) ? [] : ['no links to the others']),
      ...(links.some(({ url }) => url === '${runbook}') ? [] : ['no link to the RUNBOOK']),
      ...(editable ? ['editable'] : []),
      ...(/^selvage-[a-z]+$/.test(uid) && uid.length <= 40 ? [] : [`uid ${uid}`]),
      ...(schemaVersion >= 39 ? [] : ['an old schema']),
    ],
  },
  {
    name: 'starts of nodes and pages are marked on the panels',
    check: ({ annotations }) => {
      const shown = annotations.list.filter(({ enable, hide }) => enable && !hide).map(({ expr = '' }) => expr);
      return [
        ...(shown.some((expr) => expr.includes('process_start_time_seconds')) ? [] : ['no starts']),
        ...(shown.some((expr) => expr.includes('ALERTS{')) ? [] : ['no alerts']),
      ];
    },
  },
];

const lacksLegend = ({ legendFormat }: { readonly legendFormat: string }): boolean =>
  legendFormat.trim() === '' || legendFormat === '__auto';

function findFaultsOfLabel({ templating }: Dashboard, name: string, label: string, allValue: string): readonly string[] {
  const variable: Variable | undefined = templating.list.find((one) => one.name === name);
  if (variable === undefined) return [`there is no variable ${name}`];
  const query = typeof variable.query === 'string' ? variable.query : variable.query.query;
  return [
    ...(variable.type === 'query' && new RegExp(`^label_values\\(selvage_\\w+(\\{.*\\})?, ${name}\\)$`).test(query)
      ? []
      : [`${name} is not a query of label values`]),
    ...(variable.datasource?.uid === chosen ? [] : [`${name} does not use the chosen data source`]),
    ...(variable.label === label ? [] : [`${name} is labelled ${variable.label}`]),
    ...(variable.multi === true && variable.includeAll === true ? [] : [`of ${name} not several or all can be chosen`]),
    ...(variable.allValue === allValue ? [] : [`all of ${name} is ${String(variable.allValue)}`]),
  ];
}

function findFaultsOfPlaces({ panels }: Dashboard): readonly string[] {
  const faults: string[] = [];
  for (const [index, { title, gridPos: one }] of panels.entries()) {
    if (one.x < 0 || one.y < 0 || one.w < 1 || one.h < 1 || one.x + one.w > 24) faults.push(`"${title}" is out of bounds`);
    for (const { title: other, gridPos: two } of panels.slice(index + 1)) {
      const isApart = one.x + one.w <= two.x || two.x + two.w <= one.x || one.y + one.h <= two.y || two.y + two.h <= one.y;
      if (!isApart) faults.push(`"${title}" is on "${other}"`);
    }
  }
  return faults;
}
