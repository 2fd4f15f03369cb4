/** Something wrong in the configuration: the option's path (or the variable's name), and a sentence that follows it. Never quotes a secret. */
export interface ConfigProblem {
  readonly path: string;
  readonly message: string;
}

/** The configuration cannot be used. Holds every problem, not the first alone. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(['the configuration cannot be used:', ...problems.map(({ path, message }) => `  ${path}: ${message}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
