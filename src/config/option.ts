import { z } from 'zod';

/** What defaults may depend on. */
export interface KnownValues {
  readonly group: string;
  /** No Kafka is configured: the log is memory of this process. */
  readonly isEmbedded: boolean;
  /** Embedded, on loopback and without an issuer: for trying things out, nobody is asked who they are. */
  readonly isOpen: boolean;
  /** A name of this process, from the caller. */
  readonly nodeId: string;
}

/** A default that follows from other values; `sentence` stands in the documentation. */
export interface DerivedDefault<T> {
  readonly sentence: string;
  derive(known: KnownValues): T;
}

/** One option, declared once: loading, documentation and schema follow from it. */
export interface Option<T> {
  readonly isOption: true;
  readonly schema: z.ZodType;
  /** Text of the environment as the schema takes it; text that cannot be read is returned as it is, for the schema to refuse. */
  readonly fromText: (text: string) => unknown;
  readonly defaultValue: T | DerivedDefault<T>;
  readonly sentence: string;
  /** Absent: `SELVAGE_<SECTION>_<NAME>`. */
  readonly env?: string;
  readonly unit?: string;
  /** Never shown; may also be given as a file, by the environment name with `_FILE` at its end. */
  readonly isSecret: boolean;
}

/** Options in sections; a section may hold sections. */
export interface OptionTree {
  readonly [name: string]: Option<unknown> | OptionTree;
}

/** The values of a tree of options. */
export type ValuesOf<Tree> = Tree extends Option<infer T> ? T : { readonly [Name in keyof Tree]: ValuesOf<Tree[Name]> };

interface About<T> {
  readonly default: T | DerivedDefault<T>;
  readonly sentence: string;
  readonly env?: string;
  readonly unit?: string;
  readonly secret?: boolean;
}

function option<T>(about: About<T>, schema: z.ZodType, fromText: (text: string) => unknown): Option<T> {
  return {
    isOption: true,
    schema,
    fromText,
    defaultValue: about.default,
    sentence: about.sentence,
    isSecret: about.secret ?? false,
    ...(about.env === undefined ? {} : { env: about.env }),
    ...(about.unit === undefined ? {} : { unit: about.unit }),
  };
}

export const isOption = (node: Option<unknown> | OptionTree): node is Option<unknown> => (node as { isOption?: unknown }).isOption === true;

export const isDerived = <T>(value: T | DerivedDefault<T>): value is DerivedDefault<T> =>
  typeof value === 'object' && value !== null && 'derive' in value;

/** A whole number; `min` is 0 and `max` 2^31 - 1 unless said otherwise. */
export function integer(about: About<number> & { readonly min?: number; readonly max?: number }): Option<number> {
  const { min = 0, max = 2_147_483_647 } = about;
  const schema = z.number().int().min(min).max(max);
  return option(about, schema, (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text));
}

/** A number from 0 to 1. */
export function fraction(about: About<number>): Option<number> {
  return option(about, z.number().min(0).max(1), (text) => (/^(0|1|0?\.\d{1,9}|1\.0*)$/.test(text) ? Number(text) : text));
}

export function yesNo(about: About<boolean>): Option<boolean> {
  return option(about, z.boolean(), (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text));
}

interface TextRule {
  /** What the whole text must be, and that in words. */
  readonly pattern?: RegExp;
  readonly shape?: string;
}

const textSchema = ({ pattern, shape }: TextRule): z.ZodString => {
  const schema = z.string().max(8_192);
  return pattern === undefined ? schema.min(1) : schema.regex(pattern, `must be ${shape ?? 'of another form'}`);
};

export function text(about: About<string> & TextRule): Option<string> {
  return option(about, textSchema(about), (value) => value);
}

/** A text that may be absent. */
export function optionalText(about: Omit<About<string | null>, 'default'> & TextRule): Option<string | null> {
  return option<string | null>({ ...about, default: null }, textSchema(about), (value) => value);
}

export function choice<T extends string>(about: About<T> & { readonly of: readonly T[] }): Option<T> {
  return option(about, z.enum(about.of), (value) => value);
}

export function optionalChoice<T extends string>(
  about: Omit<About<T | null>, 'default'> & { readonly of: readonly T[] },
): Option<T | null> {
  return option<T | null>({ ...about, default: null }, z.enum(about.of), (value) => value);
}

const splitList = (value: string): readonly string[] =>
  value
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');

/** A list; in the environment its elements are separated by commas. */
export function list<T extends string>(about: About<readonly T[]> & TextRule & { readonly of?: readonly T[] }): Option<readonly T[]> {
  return option(about, z.array(about.of === undefined ? textSchema(about) : z.enum(about.of)).max(1_000), splitList);
}

/** A list that may be absent, but not empty. */
export function optionalList(about: Omit<About<readonly string[] | null>, 'default'> & TextRule): Option<readonly string[] | null> {
  return option<readonly string[] | null>({ ...about, default: null }, z.array(textSchema(about)).min(1).max(1_000), splitList);
}
