/** The path of the root of a file system like that of the image which `deploy/Dockerfile` begins with. */
export function provideBaseImage(): Promise<string>;
