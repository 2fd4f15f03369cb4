/** The files of tests that cannot run on this machine, because it has no Go. */
export function withoutGo(): string[];
