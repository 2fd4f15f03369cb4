/** Types of `build.mjs` for tests in TypeScript. */
/** The path of the lean generator. */
export function provideGenerator(): Promise<string>;
