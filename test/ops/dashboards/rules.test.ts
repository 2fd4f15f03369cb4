import { expect, test } from 'vitest';
import type { Dashboard } from '../../../deploy/dashboards/generator/grafana-model.js';
import { readDashboards } from './committed-dashboards.js';
import { dashboardRules } from './dashboard-rules.js';

const dashboards = readDashboards();

for (const { name, check } of dashboardRules) {
  test.each(dashboards)(`$file: ${name}`, ({ dashboard }) => {
    expect(check(dashboard)).toEqual([]);
  });
}

test('dashboards have names and addresses of their own', () => {
  expect(dashboards).toHaveLength(5);
  expect(new Set(dashboards.map(({ dashboard }) => dashboard.title)).size).toBe(5);
  for (const { file, dashboard } of dashboards) expect(file).toBe(`${dashboard.uid}.json`);
});

/** What a rule is there for: a replacement in the JSON that it must notice. */
const harms: Readonly<Record<string, readonly [from: RegExp, to: string]>> = {
  'the data source is chosen by a variable': [/"type": ?"datasource"/, '"type":"custom"'],
  'jobs are chosen by a variable': [/"label": ?"Job"/, '"label":"job"'],
  'instances are chosen by a variable': [/, instance\)"/, ', pod)"'],
  'clusters and namespaces are chosen by variables that match their absence too': [/"allValue": ?"\.\*"/, '"allValue":".+"'],
  'variables follow the time range': [/"refresh": ?2/, '"refresh":1'],
  'every panel, query and annotation uses the chosen data source': [/"uid": ?"\$\{datasource\}"/g, '"uid":"prod"'],
  'every panel has a title, and no two have the same': [/("type": ?"stat",\s*"title": ?)"[^"]+"/, '$1""'],
  'every panel says what it shows, what is normal and what to do if not': [/\*\*Normal:\*\*/, 'fine:'],
  'every panel has a unit that Grafana knows': [/"unit": ?"percentunit"/, '"unit":"share"'],
  'every panel has queries, with names of their own': [/"refId": ?"B"/, '"refId":"A"'],
  'every selector is narrowed to the chosen nodes': [/job=~\\"\$job\\"/g, 'job=\\"selvage\\"'],
  'alerts, of which not all have a job, are narrowed to the chosen cluster and namespace, and are ours': [
    /alertname=~\\"Selvage\.\+\\"/,
    'a=\\"b\\"',
  ],
  'a range is the rate interval, or all that is shown': [/\[\$__rate_interval\]/, '[5m]'],
  'a counter is taken as a rate or an increase, before it is summed': [/rate\((\w+_total\{[^}]*\})\[\$__rate_interval\]\)/, '$1'],
  'a quantile is of buckets summed by le': [/(histogram_quantile\([\d.]+, sum by )\(le/, '$1(instance'],
  'lines have legends that tell them apart': [/"legendFormat": ?"\{\{\w+\}\}"/, '"legendFormat":""'],
  'labels in legends are labels of the result': [/"legendFormat": ?"\{\{\w+\}\}"/, '"legendFormat":"{{pod}}"'],
  'ids are unique': [/"id": ?3,/, '"id":2,'],
  'panels stand within 24 columns and not on one another': [/"x": ?12/, '"x":11'],
  'rows are open, with all panels in the dashboard itself': [/"collapsed": ?false/, '"collapsed":true'],
  'thresholds begin at nothing and rise': [/"value": ?null/, '"value":7'],
  'numbers and tables are of the present, not the last of what was': [/"instant": ?true/, '"instant":false'],
  'the first row answers in numbers, each coloured or blue': [/"type": ?"stat"/, '"type":"timeseries"'],
  'the dashboard is found by its tag, leads to the others, and cannot be changed by hand': [/"editable": ?false/, '"editable":true'],
  'starts of nodes and pages are marked on the panels': [/process_start_time_seconds(.*useValueForTime)/s, 'selvage_ready$1'],
};

test.each(dashboardRules)('the rule notices what it is there for: $name', ({ name, check }) => {
  const [from, to] = harms[name] ?? [/$^/, ''];
  const harmed = dashboards.map(({ text }) => text.replace(from, to)).filter((text, index) => text !== dashboards[index]?.text);
  expect(harmed).not.toEqual([]);
  for (const text of harmed) expect(check(JSON.parse(text) as Dashboard)).not.toEqual([]);
});
