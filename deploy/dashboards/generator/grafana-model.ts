/**
 * The part of Grafana's dashboard model (JSON, schema version 39: Grafana 10.4 and later read it as it is) that these dashboards use. Names and values are
 * Grafana's; what is not needed is not here, so that it cannot be misspelled.
 */

/** Units of Grafana's `valueFormats` that are used here. */
export type Unit = 'short' | 'none' | 'percentunit' | 's' | 'bytes' | 'Bps' | 'cps' | 'reqps' | 'ops' | 'string' | 'dateTimeFromNow';

export type Color = 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'purple' | 'text' | 'transparent';

export interface DatasourceRef {
  readonly type: 'prometheus' | 'grafana';
  readonly uid: string;
}

export interface Target {
  readonly refId: string;
  readonly datasource: DatasourceRef;
  readonly expr: string;
  readonly legendFormat: string;
  readonly format: 'time_series' | 'table' | 'heatmap';
  readonly instant: boolean;
  readonly range: boolean;
  readonly editorMode: 'code';
}

export interface ThresholdStep {
  readonly color: Color;
  /** Null for the first. */
  readonly value: number | null;
}

export interface FieldConfig {
  readonly defaults: {
    readonly unit?: Unit;
    readonly min?: number;
    readonly max?: number;
    readonly decimals?: number;
    readonly noValue?: string;
    readonly color?: { readonly mode: 'palette-classic' | 'thresholds' | 'fixed'; readonly fixedColor?: Color };
    readonly thresholds?: { readonly mode: 'absolute'; readonly steps: readonly ThresholdStep[] };
    readonly mappings?: readonly object[];
    readonly custom?: Readonly<Record<string, unknown>>;
  };
  readonly overrides: readonly {
    readonly matcher: { readonly id: 'byName' | 'byRegexp' | 'byFrameRefID'; readonly options: string };
    readonly properties: readonly { readonly id: string; readonly value: unknown }[];
  }[];
}

export interface GridPos {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Link {
  readonly title: string;
  readonly type: 'link' | 'dashboards';
  readonly url: string;
  readonly tooltip: string;
  readonly tags: readonly string[];
  readonly icon: string;
  readonly asDropdown: boolean;
  readonly includeVars: boolean;
  readonly keepTime: boolean;
  readonly targetBlank: boolean;
}

export interface PanelLink {
  readonly title: string;
  readonly url: string;
  readonly targetBlank: boolean;
}

export interface Panel {
  readonly id: number;
  readonly type: 'timeseries' | 'stat' | 'table' | 'heatmap';
  readonly title: string;
  readonly description: string;
  readonly datasource: DatasourceRef;
  readonly gridPos: GridPos;
  readonly targets: readonly Target[];
  readonly fieldConfig: FieldConfig;
  readonly options: Readonly<Record<string, unknown>>;
  readonly links: readonly PanelLink[];
  readonly transformations?: readonly { readonly id: string; readonly options: object }[];
}

export interface Row {
  readonly id: number;
  readonly type: 'row';
  readonly title: string;
  readonly collapsed: false;
  readonly gridPos: GridPos;
  readonly panels: readonly never[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: 'datasource' | 'query' | 'constant';
  readonly query: string | { readonly query: string; readonly refId: string };
  /** 2: hidden. */
  readonly hide: 0 | 2;
  readonly skipUrlSync: boolean;
  readonly datasource?: DatasourceRef;
  /** 2: when the time range changes. */
  readonly refresh?: 1 | 2;
  readonly sort?: 1;
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
  readonly regex?: string;
  readonly current?: { readonly selected: boolean; readonly text: string | readonly string[]; readonly value: string | readonly string[] };
  readonly options?: readonly never[];
}

export interface Annotation {
  readonly name: string;
  readonly datasource: DatasourceRef;
  readonly enable: boolean;
  readonly hide: boolean;
  readonly iconColor: string;
  readonly builtIn?: 1;
  readonly type?: 'dashboard';
  readonly expr?: string;
  readonly step?: string;
  readonly titleFormat?: string;
  readonly textFormat?: string;
  readonly tagKeys?: string;
  readonly useValueForTime?: boolean;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: 39;
  readonly version: 1;
  readonly id: null;
  readonly editable: false;
  /** 1: a shared crosshair. */
  readonly graphTooltip: 1;
  readonly timezone: 'browser';
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly timepicker: { readonly refresh_intervals: readonly string[] };
  readonly links: readonly Link[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly panels: readonly (Panel | Row)[];
}
