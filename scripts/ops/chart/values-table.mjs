import { parse } from 'yaml';

/**
 * The values of a chart as Markdown: a section for each top-level name, a line for each value, its meaning from the comment above it. Throws for a value without a comment, so that
 * none stays unexplained; values in one flow (`{ a: 1, b: 2 }`) share one.
 *
 * @param {string} source of values.yaml
 */
export function valuesTable(source) {
  const defaults = parse(source);
  const rows = readRows(source);
  const names = [...new Set(rows.map(({ path }) => path[0]))];
  return names.map((name) => sectionText(name, rows, defaults)).join('\n');
}

function readRows(source) {
  const rows = [];
  let comment = [];
  const above = [];
  for (const line of source.split('\n')) {
    const [, indent = '', name, rest = ''] = /^( *)([A-Za-z][A-Za-z0-9]*):(?: +(.*))?$/.exec(line) ?? [];
    const [, words] = /^ *# ?(.*)$/.exec(line) ?? [];
    if (words !== undefined) comment.push(words);
    else if (name === undefined) comment = [];
    else {
      above.splice(indent.length / 2);
      above.push(name);
      rows.push({ path: [...above], isSection: rest === '', meaning: comment.join(' ') });
      comment = [];
    }
  }
  return rows;
}

function sectionText(name, rows, defaults) {
  const [head, ...inner] = rows.filter(({ path }) => path[0] === name);
  const lines = [`### \`${name}\``, ''];
  if (head.meaning !== '') lines.push(head.meaning, '');
  else if (!head.isSection) throw new Error(`values.yaml: ${name} is not explained`);
  const shown = inner.length === 0 ? [] : inner.filter(({ isSection, meaning }) => !isSection || meaning !== '');
  if (inner.length === 0) return [...lines, `Default: ${code(defaults[name])}`, ''].join('\n');
  lines.push('| value | default | meaning |', '|---|---|---|');
  const explained = inner.filter(({ meaning }) => meaning !== '').map(({ path }) => path.join('.'));
  for (const { path, isSection, meaning } of shown) {
    const parent = path.slice(0, -1).join('.');
    // What is said of a section goes for all of it.
    if (meaning === '' && explained.includes(parent)) continue;
    if (meaning === '') throw new Error(`values.yaml: ${path.join('.')} is not explained`);
    const isWhole =
      !isSection ||
      !inner.some((row) => row.meaning !== '' && row.path.length > path.length && row.path.join('.').startsWith(`${path.join('.')}.`));
    const value = path.reduce((node, step) => node?.[step], defaults);
    lines.push(`| \`${path.join('.')}\` | ${isWhole ? code(value) : ''} | ${meaning.replaceAll('|', '\\|')} |`);
  }
  return [...lines, ''].join('\n');
}

const code = (value) => `\`${value === '' ? "''" : typeof value === 'string' ? value : JSON.stringify(value)}\``;
