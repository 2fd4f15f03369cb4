import { InvalidArgumentError } from 'commander';

/** Readers of option values; what cannot be used is told with the option's name. */

export const collect = (value: string, previous: readonly string[] | undefined): readonly string[] => [...(previous ?? []), value];

/** Values of a closed list, with commas or given one by one. */
export const collectChoices =
  (choices: readonly string[]) =>
  (value: string, previous: readonly string[] | undefined): readonly string[] => {
    const values = value.split(',');
    if (!values.every((one) => choices.includes(one))) throw new InvalidArgumentError(`It must be of ${choices.join(', ')}.`);
    return [...(previous ?? []), ...values];
  };

/** A whole number from `min`. */
export const wholeNumber =
  (min: number, max = Number.MAX_SAFE_INTEGER) =>
  (value: string): number => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}.`);
    }
    return number;
  };

const durationUnits: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds: `90`, `90s`, `15m`, `8h`, `7d`. */
export function durationSeconds(value: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(value);
  const seconds = match === null ? 0 : Number(match[1]) * (durationUnits[match[2] ?? 's'] ?? 1);
  if (seconds <= 0) throw new InvalidArgumentError('It must be a time such as 90s, 15m, 8h or 7d.');
  return seconds;
}

/** `name=value` pairs, as given one by one. */
export function collectPair(value: string, previous: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must look like name=value.');
  return { ...previous, [value.slice(0, at)]: value.slice(at + 1) };
}
