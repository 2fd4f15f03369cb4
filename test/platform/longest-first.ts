import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Files that take most of a minute or more, from `test/` on: begun last, one of them would be waited for alone. */
const longest = [
  'integration/named-streams/time-out-over-nodes.test.ts',
  'integration/log/kafka-outages.test.ts',
  'fuzz/http.test.ts',
  'integration/replay/slow-readers.test.ts',
  'integration/log/appends-while-leaders-move.test.ts',
  'integration/named-streams/present-state.test.ts',
  'integration/replay/window-aged-out.test.ts',
  'integration/http/stopped-reader.test.ts',
  'integration/platform.test.ts',
  'integration/security/kafka-security.test.ts',
  'integration/hostile/hostile-http.test.ts',
];

/** The order of files within a group: those that are known to take longest, then as vitest would have it. Each file is by itself; no order is relied upon. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files.filter((file) => rankOf(file) < 0));
    return [...files.filter((file) => rankOf(file) >= 0).sort((a, b) => rankOf(a) - rankOf(b)), ...others];
  }
}

function rankOf(file: TestSpecification): number {
  return longest.findIndex((name) => file.moduleId.endsWith(`/test/${name}`));
}
