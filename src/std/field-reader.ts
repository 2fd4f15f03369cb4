import { didYouMean } from './closest-name.js';

/** Something wrong in a value of the configuration: where, and a sentence that follows it. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

export type Fields = Readonly<Record<string, unknown>>;

/** Collects problems; every reader below adds one and gives a harmless value, so that one pass finds them all. */
export class FieldReader {
  readonly problems: FieldProblem[] = [];

  problem(path: string, message: string): void {
    this.problems.push({ path, message });
  }

  /** An object whose names are all known; undefined (and a problem) for anything else. */
  fields(path: string, value: unknown, known: readonly string[] | null): Fields | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problem(path, 'must be an object');
      return undefined;
    }
    for (const name of known === null ? [] : Object.keys(value)) {
      if (known?.includes(name) === false) this.problem(`${path}.${name}`, `is not known here${didYouMean(name, known)}`);
    }
    return value as Fields;
  }

  /** A list of `1..countMax` elements, where one may stand alone. */
  list(path: string, value: unknown, countMax: number): readonly (readonly [path: string, value: unknown])[] {
    if (!Array.isArray(value)) return [[path, value]];
    if (value.length === 0) this.problem(path, 'is an empty list');
    if (value.length > countMax) this.problem(path, `has ${value.length} elements, at most ${countMax} are allowed`);
    return value.slice(0, countMax).map((element, i) => [`${path}[${i}]`, element] as const);
  }

  choice<T extends string | boolean>(path: string, value: unknown, choices: readonly T[], fallback: T): T {
    if (value === undefined) return fallback;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.problem(path, `must be one of ${choices.join(', ')}`);
    return chosen ?? fallback;
  }

  integer(path: string, value: unknown, min: number, max: number, fallback: number | null): number {
    if (value === undefined && fallback !== null) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.problem(path, value === undefined ? 'is missing' : `must be a whole number from ${min} to ${max}`);
    return fallback ?? min;
  }
}
