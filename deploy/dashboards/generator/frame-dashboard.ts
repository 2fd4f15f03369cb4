import type { Annotation, Dashboard, DatasourceRef, Panel, Row, Variable } from './grafana-model.js';
import { dashboardTitles, prometheus } from './panels.js';
import type { DashboardUid, Draft } from './panels.js';
import { firing, node, of, ofProcess } from './promql.js';
import { runbookUrl } from './runbook.js';

/** Width of a dashboard in columns. */
const columns = 24;

/** A titled stretch of a dashboard: panels from left to right, wrapped, each `height` high and `width` wide. */
export interface Section {
  readonly title: string;
  readonly height: number;
  readonly width: number;
  readonly panels: readonly Draft[];
}

export interface DashboardParts {
  readonly uid: DashboardUid;
  readonly description: string;
  /** How far back it looks at first; default `now-3h`. */
  readonly from?: string;
  readonly sections: readonly Section[];
}

/** Gives the sections places and ids, and what all dashboards have: variables, annotations, links to one another. */
export function frameDashboard({ uid, description, from = 'now-3h', sections }: DashboardParts): Dashboard {
  return {
    uid,
    title: dashboardTitles[uid],
    description,
    tags: ['selvage'],
    schemaVersion: 39,
    version: 1,
    id: null,
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '30s',
    time: { from, to: 'now' },
    timepicker: { refresh_intervals: ['10s', '30s', '1m', '5m', '15m'] },
    links: [
      {
        title: 'Selvage',
        type: 'dashboards',
        url: '',
        tooltip: 'The other dashboards, with the same nodes and time',
        tags: ['selvage'],
        icon: 'external link',
        asDropdown: false,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
      },
      {
        title: 'RUNBOOK',
        type: 'link',
        url: '${runbook}',
        tooltip: 'What each alert means and how to mend it',
        tags: [],
        icon: 'doc',
        asDropdown: false,
        includeVars: false,
        keepTime: false,
        targetBlank: true,
      },
    ],
    templating: { list: variables },
    annotations: { list: annotations },
    panels: place(sections),
  };
}

function place(sections: readonly Section[]): readonly (Panel | Row)[] {
  const placed: (Panel | Row)[] = [];
  let y = 0;
  for (const { title, height, width, panels } of sections) {
    placed.push({ id: placed.length + 1, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: columns, h: 1 }, panels: [] });
    y++;
    const perLine = Math.floor(columns / width);
    for (const [index, draft] of panels.entries()) {
      const gridPos = { x: (index % perLine) * width, y: y + Math.floor(index / perLine) * height, w: width, h: height };
      placed.push({ ...draft, id: placed.length + 1, gridPos });
    }
    y += Math.ceil(panels.length / perLine) * height;
  }
  return placed;
}

const everything = { selected: true, text: ['All'], value: ['$__all'] };

function labelVariable(name: string, label: string, description: string, allValue: string, within: string): Variable {
  return {
    name,
    label,
    description,
    type: 'query',
    query: { query: `label_values(selvage_node_info${within}, ${name})`, refId: `variable-${name}` },
    datasource: prometheus,
    hide: 0,
    skipUrlSync: false,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue,
    regex: '',
    current: everything,
    options: [],
  };
}

const variables: readonly Variable[] = [
  {
    name: 'datasource',
    label: 'Data source',
    description: 'The Prometheus that scrapes the nodes.',
    type: 'datasource',
    query: 'prometheus',
    hide: 0,
    skipUrlSync: false,
    refresh: 1,
    multi: false,
    includeAll: false,
    regex: '',
    options: [],
  },
  labelVariable('cluster', 'Cluster', 'Label of your scrape configuration; may be absent.', '.*', ''),
  labelVariable('namespace', 'Namespace', 'Label of your scrape configuration; may be absent.', '.*', '{cluster=~"$cluster"}'),
  labelVariable('job', 'Job', 'The installation.', '.+', '{cluster=~"$cluster",namespace=~"$namespace"}'),
  labelVariable('instance', 'Instance', 'The node.', '.+', '{cluster=~"$cluster",namespace=~"$namespace",job=~"$job"}'),
  {
    name: 'runbook',
    label: 'RUNBOOK',
    description: 'Address of the RUNBOOK that links lead to.',
    type: 'constant',
    query: runbookUrl,
    hide: 2,
    skipUrlSync: true,
    current: { selected: true, text: runbookUrl, value: runbookUrl },
  },
];

const grafana: DatasourceRef = { type: 'grafana', uid: '-- Grafana --' };

const annotations: readonly Annotation[] = [
  {
    name: 'Annotations & Alerts',
    builtIn: 1,
    type: 'dashboard',
    datasource: grafana,
    enable: true,
    hide: true,
    iconColor: 'rgba(0, 211, 255, 1)',
  },
  {
    name: 'Pages',
    datasource: prometheus,
    enable: true,
    hide: false,
    iconColor: 'red',
    expr: firing('severity="page"'),
    step: '30s',
    titleFormat: '{{alertname}}',
    textFormat: '{{namespace}} {{job}}',
    tagKeys: 'severity',
    useValueForTime: false,
  },
  {
    name: 'Tickets',
    datasource: prometheus,
    enable: false,
    hide: false,
    iconColor: 'orange',
    expr: firing('severity="ticket"'),
    step: '30s',
    titleFormat: '{{alertname}}',
    textFormat: '{{namespace}} {{job}} {{instance}}',
    tagKeys: 'severity',
    useValueForTime: false,
  },
  {
    // A start is a restart or a deployment: the text says which version. The value is the time, in milliseconds.
    name: 'Starts of nodes',
    datasource: prometheus,
    enable: true,
    hide: false,
    iconColor: 'blue',
    expr: `1000 * ${ofProcess('process_start_time_seconds')} * on (${node}) group_left (version, roles) ${of('nodeInfo')}`,
    step: '1m',
    titleFormat: '{{instance}} started',
    textFormat: 'version {{version}}, {{roles}}',
    tagKeys: 'version',
    useValueForTime: true,
  },
];
