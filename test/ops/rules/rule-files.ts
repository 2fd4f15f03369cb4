import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** A rule of Prometheus, as in its files. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  /** A duration of Prometheus, such as `5m`. */
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  /** Absent: the server's. */
  readonly interval?: string;
  readonly rules: readonly Rule[];
}

export interface RuleFile {
  readonly groups: readonly RuleGroup[];
}

/** Where the rules, their tests and the configurations are. */
export const prometheusFolder = fileURLToPath(new URL('../../../deploy/prometheus/', import.meta.url));

/** Paths of all rule files. */
export function ruleFilePaths(): readonly string[] {
  const folder = `${prometheusFolder}rules/`;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => folder + name);
}

/** The groups of all rule files as one. */
export function readRules(): RuleFile {
  return { groups: ruleFilePaths().flatMap((path) => (parse(readFileSync(path, 'utf8')) as RuleFile).groups) };
}

/** Every rule that alerts. */
export function alertsOf({ groups }: RuleFile): readonly (Rule & { readonly alert: string })[] {
  return groups.flatMap(({ rules }) => rules).filter((rule): rule is Rule & { readonly alert: string } => rule.alert !== undefined);
}
