/** Compiles the lean generator, once for each state of its sources, into `.cache/ops/sse-load-<hash>`. Needs a C compiler (`cc`). */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOnce, hashOf } from '../../scripts/ops/tools/build-once.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const flags = '-O2 -Wall -Wextra';

/** The path of the program; rejects with what the compiler said. */
export function provideGenerator() {
  const paths = ['sse-load.c', 'hdr-histogram.h'].map((file) => join(here, file));
  return buildOnce({
    name: 'sse-load',
    hash: hashOf({ texts: [flags], paths }),
    cwd: here,
    script: `cc ${flags} -o "$OUT" sse-load.c -lm`,
  });
}
