import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import type { Experiment } from './experiments.js';

const root = resolve(import.meta.dirname, '../../..');
const folders = ['src', 'test/simulation', 'test/open-admission'];

/** The sources that the simulation needs as plain JavaScript, to be written again and again with one change. */
export class SourceTree {
  readonly #target: string;
  readonly #javascript = new Map<string, string>();

  constructor(name: string) {
    this.#target = join(root, '.cache', 'rules', name);
    for (const folder of folders)
      for (const file of listSources(join(root, folder))) this.#javascript.set(file, toJavaScript(readFileSync(file, 'utf8')));
  }

  /** Writes the tree, changed by the experiment if there is one; returns its folder. */
  write(experiment: Experiment | null): string {
    for (const [file, text] of this.#javascript) {
      const isChanged = experiment !== null && file === join(root, experiment.file);
      this.#writeFile(file, isChanged ? toJavaScript(mutate(readFileSync(file, 'utf8'), experiment)) : text);
    }
    writeFileSync(join(this.#target, 'package.json'), '{"type":"module"}');
    return this.#target;
  }

  remove(): void {
    rmSync(this.#target, { recursive: true, force: true });
  }

  #writeFile(source: string, text: string): void {
    const path = join(this.#target, source.slice(root.length + 1)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

function mutate(text: string, { find, replace, rule, file }: Experiment): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`rule ${rule}: what is taken out stands ${parts.length - 1} times in ${file}: ${find}`);
  return parts.join(replace);
}

function listSources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listSources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

const toJavaScript = (text: string): string =>
  ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  }).outputText;
