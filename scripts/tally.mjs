/** Adds up what checks and tests came to, and ends a run with its one line. */
export class Tally {
  #total = { passed: 0, failed: 0, skipped: 0 };

  add(counts) {
    for (const state of Object.keys(this.#total)) this.#total[state] += counts[state];
  }

  /** Something that is no test went wrong: it counts as one that failed. */
  fail(what) {
    process.stdout.write(`FAILED: ${what}\n`);
    this.#total.failed++;
  }

  /** What this machine cannot run. */
  skip(what) {
    process.stdout.write(`skipped: ${what}\n`);
    this.#total.skipped++;
  }

  /** Writes `N passed, N failed, N skipped` and sets the exit code: 0 when something ran and nothing failed. */
  finish() {
    const { passed, failed, skipped } = this.#total;
    process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
    process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
