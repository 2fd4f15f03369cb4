/** Types of `build.mjs` for tests in TypeScript. */
export const modulePath: string;
/** The path of k6 with our module. */
export function provideK6(): Promise<string>;
