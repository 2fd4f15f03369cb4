/** Types of `sync-chart-files.mjs` for tests in TypeScript. */
export interface DescribedProgram {
  /** `configSchema()` of src/config. */
  readonly configSchema: object;
  /** Paths of the options that are secret. */
  readonly secretPaths: readonly string[];
}

/** Paths of the chart's generated files that are not as they should be. */
export function staleChartFiles(program: DescribedProgram): Promise<readonly string[]>;
