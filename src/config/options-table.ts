import { isDerived } from './option.js';
import { configFileEnv, fileSuffix, optionEntries } from './option-entries.js';
import type { OptionEntry } from './option-entries.js';
import { options } from './options.js';

/** The table of all options, in Markdown, a heading a section. */
export function optionsTable(): string {
  const sections = new Map<string, OptionEntry[]>();
  for (const entry of optionEntries(options)) {
    const section = entry.segments.length === 1 ? '' : (entry.segments[0] ?? '');
    sections.set(section, [...(sections.get(section) ?? []), entry]);
  }
  const file = `| (the file itself) | \`${configFileEnv}\` | none | Path of a YAML file with options and \`routes\`. |`;
  return [...sections].map(([section, entries]) => writeSection(section, entries, section === '' ? [file] : [])).join('\n');
}

function writeSection(section: string, entries: readonly OptionEntry[], first: readonly string[]): string {
  const heading = section === '' ? '' : `### \`${section}\`\n\n`;
  const rows = [...first, ...entries.map(writeRow)];
  return `${heading}| Option | Environment | Default | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function writeRow({ path, env, option }: OptionEntry): string {
  const sentence = option.unit === undefined ? option.sentence : `${option.sentence} (${option.unit})`;
  const names = option.isSecret ? `\`${env}\`, \`${env}${fileSuffix}\`` : `\`${env}\``;
  return `| \`${path}\` | ${names} | ${writeDefault(option.defaultValue)} | ${sentence.replaceAll('|', '\\|')} |`;
}

function writeDefault(value: unknown): string {
  if (isDerived(value)) return value.sentence;
  if (value === null) return 'none';
  if (value === '') return 'empty';
  return `\`${Array.isArray(value) ? value.join(',') : JSON.stringify(value).replaceAll('"', '')}\``;
}
