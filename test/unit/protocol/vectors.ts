import { readFileSync } from 'node:fs';

/** Reads a file of golden vectors; the caller says what is in it. */
export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'));
}
