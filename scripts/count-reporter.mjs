import { writeFileSync } from 'node:fs';

const namesMax = 200;

/** A vitest reporter that names what was skipped and writes the counts of the whole run as JSON to the file in `SELVAGE_TEST_COUNTS`. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skipped = [];
    for (const module of modules) {
      counts.failed += brokenParts(module);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed') counts[state]++;
        else {
          counts.skipped++;
          skipped.push(`${module.project.name} ${module.relativeModuleId} > ${test.fullName}`);
        }
      }
    }
    for (const name of skipped.slice(0, namesMax)) process.stdout.write(`skipped: ${name}\n`);
    if (process.env.SELVAGE_TEST_COUNTS) writeFileSync(process.env.SELVAGE_TEST_COUNTS, JSON.stringify(counts));
  }
}

/** A file that could not be loaded and a failed hook make no failed test of their own: their tests never ran. Each counts as one failure. */
function brokenParts(module) {
  const parts = [module, ...module.children.allSuites()];
  return parts.filter((part) => part.errors().length > 0).length;
}
