import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script; its head documents KEYS and ARGV. */
export interface RedisScript {
  /** For errors and metrics: the file's name without its ending. */
  readonly name: string;
  readonly text: string;
  readonly sha1: string;
}

/** Reads `<name>.lua` in `folder`, usually `new URL('./scripts/', import.meta.url)`. Throws what `readFileSync` throws. */
export function readRedisScript(folder: URL, name: string): RedisScript {
  const text = readFileSync(new URL(`${name}.lua`, folder), 'utf8');
  return { name, text, sha1: createHash('sha1').update(text).digest('hex') };
}
