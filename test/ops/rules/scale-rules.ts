import type { Rule, RuleFile } from './rule-files.js';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** A duration of Prometheus, such as `1h30m`, in milliseconds. Throws for anything else. */
export function durationMs(text: string): number {
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) throw new Error(`not a duration: ${text}`);
  return [...text.matchAll(/(\d+)(ms|[smhdwy])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit as string] as number),
    0,
  );
}

/**
 * The same rules in other time: every range, offset, `for` and interval is multiplied by `factor` (1/60: minutes become seconds). Names and bounds stay
 * as they are. A drill scrapes and evaluates faster by the same factor; a range needs four scrapes to be worth anything, so the least is 4 s.
 */
export function scaleRules({ groups }: RuleFile, factor: number): RuleFile {
  return {
    groups: groups.map(({ interval, rules, ...group }) => ({
      ...group,
      ...(interval === undefined ? {} : { interval: scaleDuration(interval, factor, 0) }),
      rules: rules.map((rule) => scaleRule(rule, factor)),
    })),
  };
}

/** Ranges need so many milliseconds at least. */
const rangeMsMin = 4_000;

function scaleRule(rule: Rule, factor: number): Rule {
  const expr = rule.expr
    .replace(
      /\[(\w+)(:\w*)?\]/g,
      (_, range: string, step = '') => `[${scaleDuration(range, factor, rangeMsMin)}${scaleStep(step as string, factor)}]`,
    )
    .replace(/\boffset (\w+)/g, (_, offset: string) => `offset ${scaleDuration(offset, factor, rangeMsMin)}`);
  return { ...rule, expr, ...(rule.for === undefined ? {} : { for: scaleDuration(rule.for, factor, 0) }) };
}

function scaleStep(step: string, factor: number): string {
  return step.length <= 1 ? step : `:${scaleDuration(step.slice(1), factor, 1)}`;
}

function scaleDuration(text: string, factor: number, msMin: number): string {
  return `${Math.max(msMin, Math.round(durationMs(text) * factor))}ms`;
}
