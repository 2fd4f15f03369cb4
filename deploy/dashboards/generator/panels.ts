import type { Color, FieldConfig, Panel, PanelLink, Target, ThresholdStep, Unit } from './grafana-model.js';
import { runbookLink } from './runbook.js';
import type { Alert } from './runbook.js';

export const prometheus = { type: 'prometheus', uid: '${datasource}' } as const;

/** What somebody who was woken needs of a panel. */
export interface PanelWords {
  readonly title: string;
  readonly shows: string;
  readonly normal: string;
  /** What to look at or do when it is not normal. */
  readonly otherwise: string;
  /** Alerts whose section of the RUNBOOK is about this. */
  readonly alerts?: readonly Alert[];
  /** Dashboards that tell more, by their uid. */
  readonly more?: readonly DashboardUid[];
}

export type DashboardUid = keyof typeof dashboardTitles;

export const dashboardTitles = {
  'selvage-overview': 'Selvage / Overview',
  'selvage-resume': 'Selvage / Resume and replay',
  'selvage-log': 'Selvage / Kafka and indexer',
  'selvage-limits': 'Selvage / Limits and abuse',
  'selvage-process': 'Selvage / Process',
} as const;

/** A panel that has no place yet. */
export type Draft = Omit<Panel, 'id' | 'gridPos'>;

/** From which value on a number is of which colour; what is below the first is green, or `below`. */
export interface Limits {
  readonly below?: Color;
  readonly steps: readonly (readonly [from: number, color: Color])[];
}

/** An expression and the name of what it gives, e.g. `{{instance}}`. */
export type Query = readonly [legend: string, expr: string];

/**
 * One number, coloured by `limits`; without them it is blue, which means that no value of it is bad in itself. It is of the present alone: the last of a series
 * that ended an hour ago would still be green.
 */
export function stat(
  words: PanelWords,
  unit: Unit,
  expr: string,
  extra: { readonly limits?: Limits; readonly decimals?: number; readonly noValue?: string; readonly max?: number } = {},
): Draft {
  const { limits, decimals, noValue = 'no data', max } = extra;
  const fieldConfig: FieldConfig = {
    defaults: {
      unit,
      min: 0,
      ...(max === undefined ? {} : { max }),
      ...(decimals === undefined ? {} : { decimals }),
      noValue,
      color: limits ? { mode: 'thresholds' } : { mode: 'fixed', fixedColor: 'blue' },
      thresholds: { mode: 'absolute', steps: limits ? stepsOf(limits) : [{ color: 'blue', value: null }] },
      mappings: [
        // A share of nothing: nobody came.
        { type: 'special', options: { match: 'nan', result: { text: 'none', color: 'text', index: 0 } } },
        { type: 'special', options: { match: 'null', result: { text: noValue, color: 'text', index: 1 } } },
      ],
    },
    overrides: [],
  };
  const options = {
    colorMode: limits ? 'background' : 'value',
    graphMode: 'none',
    justifyMode: 'auto',
    orientation: 'auto',
    textMode: 'auto',
    wideLayout: true,
    showPercentChange: false,
    percentChangeColorMode: 'standard',
    // Not the last that is a number: a share of nothing is to show as such.
    reduceOptions: { calcs: ['last'], fields: '', values: false },
  };
  const { targets, ...rest } = frame('stat', words, [[words.title, expr]]);
  return { ...rest, targets: targets.map((target) => ({ ...target, instant: true, range: false })), fieldConfig, options };
}

export interface SeriesExtra {
  readonly isStacked?: boolean;
  readonly max?: number;
  /** Drawn as dashed lines. */
  readonly limits?: Limits;
  /** Series of such a name are a bound, drawn dashed and red. */
  readonly bound?: string;
  readonly isLogarithmic?: boolean;
  readonly decimals?: number;
}

/** Lines over time, the largest first in the legend. */
export function series(words: PanelWords, unit: Unit, queries: readonly Query[], extra: SeriesExtra = {}): Draft {
  const { isStacked = false, max, limits, bound, isLogarithmic = false, decimals } = extra;
  const fieldConfig: FieldConfig = {
    defaults: {
      unit,
      min: 0,
      ...(max === undefined ? {} : { max }),
      ...(decimals === undefined ? {} : { decimals }),
      color: { mode: 'palette-classic' },
      thresholds: { mode: 'absolute', steps: limits ? stepsOf({ ...limits, below: 'transparent' }) : [{ color: 'green', value: null }] },
      custom: {
        drawStyle: 'line',
        lineInterpolation: 'linear',
        lineWidth: 1,
        fillOpacity: isStacked ? 30 : 5,
        showPoints: 'never',
        spanNulls: false,
        stacking: { group: 'A', mode: isStacked ? 'normal' : 'none' },
        thresholdsStyle: { mode: limits ? 'dashed' : 'off' },
        scaleDistribution: isLogarithmic ? { type: 'log', log: 10 } : { type: 'linear' },
      },
    },
    overrides: bound === undefined ? [] : [boundStyle(bound)],
  };
  const options = {
    legend: {
      showLegend: true,
      displayMode: 'table',
      placement: 'bottom',
      calcs: ['lastNotNull', 'max'],
      sortBy: 'Last *',
      sortDesc: true,
    },
    tooltip: { mode: 'multi', sort: 'desc' },
  };
  return { ...frame('timeseries', words, queries), fieldConfig, options };
}

/** How often each duration came, over time: shows two humps where a quantile shows a lie. */
export function heatmap(words: PanelWords, expr: string): Draft {
  const { targets, ...rest } = frame('heatmap', words, [['{{le}}', expr]]);
  return {
    ...rest,
    targets: targets.map((target) => ({ ...target, format: 'heatmap' as const })),
    fieldConfig: { defaults: { unit: 's', custom: { scaleDistribution: { type: 'linear' } } }, overrides: [] },
    options: {
      calculate: false,
      cellGap: 1,
      cellValues: { unit: 'short' },
      color: { mode: 'scheme', scheme: 'Oranges', scale: 'exponential', exponent: 0.5, fill: 'dark-orange', reverse: false, steps: 64 },
      exemplars: { color: 'rgba(255,0,255,0.7)' },
      filterValues: { le: 1e-9 },
      legend: { show: true },
      rowsFrame: { layout: 'auto' },
      showValue: 'never',
      tooltip: { mode: 'single', yHistogram: true, showColorScale: false },
      yAxis: { axisPlacement: 'left', unit: 's', reverse: false },
    },
  };
}

/** A column of a table: a label, or the value of the query of that letter. */
export interface Column {
  readonly field: string;
  readonly title: string;
  readonly unit?: Unit;
  readonly limits?: Limits;
}

/** The present, a row a combination of labels; queries are joined by the labels that they share. */
export function table(
  words: PanelWords,
  unit: Unit,
  queries: readonly Query[],
  columns: readonly Column[],
  hidden: readonly string[] = [],
): Draft {
  const { targets, ...rest } = frame('table', words, queries);
  return {
    ...rest,
    targets: targets.map((target) => ({ ...target, format: 'table' as const, instant: true, range: false })),
    fieldConfig: {
      defaults: {
        unit,
        color: { mode: 'thresholds' },
        thresholds: { mode: 'absolute', steps: [{ color: 'text', value: null }] },
        noValue: '—',
      },
      overrides: columns.flatMap(({ title, unit: own, limits }) =>
        own === undefined && limits === undefined
          ? []
          : [
              {
                matcher: { id: 'byName' as const, options: title },
                properties: [
                  ...(own === undefined ? [] : [{ id: 'unit', value: own }]),
                  ...(limits === undefined
                    ? []
                    : [
                        { id: 'thresholds', value: { mode: 'absolute', steps: stepsOf(limits) } },
                        { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
                      ]),
                ],
              },
            ],
      ),
    },
    options: { cellHeight: 'sm', frameIndex: 0, showHeader: true, footer: { show: false, reducer: ['sum'], countRows: false } },
    transformations: [
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: Object.fromEntries(['Time', '__name__', ...hidden].map((name) => [name, true])),
          indexByName: Object.fromEntries(columns.map(({ field }, index) => [field, index])),
          renameByName: Object.fromEntries(columns.map(({ field, title }) => [field, title])),
        },
      },
    ],
  };
}

function frame(type: Panel['type'], words: PanelWords, queries: readonly Query[]): Omit<Draft, 'fieldConfig' | 'options'> {
  const { title, shows, normal, otherwise, alerts = [], more = [] } = words;
  const targets = queries.map(([legendFormat, expr], index): Target => ({
    refId: String.fromCharCode(65 + index),
    datasource: prometheus,
    expr,
    legendFormat,
    format: 'time_series',
    instant: false,
    range: true,
    editorMode: 'code',
  }));
  const links: PanelLink[] = [...alerts.map(runbookLink), ...more.map(dashboardLink)];
  return {
    type,
    title,
    description: `${shows}\n\n**Normal:** ${normal}\n\n**If not:** ${otherwise}`,
    datasource: prometheus,
    targets,
    links,
  };
}

function dashboardLink(uid: DashboardUid): PanelLink {
  return { title: dashboardTitles[uid], url: `/d/${uid}?\${__url_time_range}&\${__all_variables}`, targetBlank: false };
}

function stepsOf({ below = 'green', steps }: Limits): readonly ThresholdStep[] {
  return [{ color: below, value: null }, ...steps.map(([value, color]) => ({ color, value }))];
}

function boundStyle(name: string): FieldConfig['overrides'][number] {
  return {
    matcher: { id: 'byName', options: name },
    properties: [
      { id: 'color', value: { mode: 'fixed', fixedColor: 'red' } },
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 8] } },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.stacking', value: { group: 'bound', mode: 'none' } },
    ],
  };
}
