/** What commands end with. `CLI.md` lists which command uses which. */
export const exitCodes = {
  ok: 0,
  /** What was asked could not be done, or `doctor` found something that fails. */
  failure: 1,
  /** A command line or a configuration that cannot be used. */
  unusable: 2,
  /** The server ended the stream and said not to come back. */
  stopped: 3,
  /** `tail --fail-on-gap`: events may be missing. */
  gap: 4,
  /** Ended by SIGINT or SIGTERM, as shells count it. */
  interrupted: 130,
} as const;
