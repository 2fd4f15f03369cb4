/** A running fabric as the suite sees it: an address, and what of its configuration a client cannot find out. */
export interface Target {
  /** `http://host:port`, with the base path if there is one; no slash at the end. */
  readonly baseUrl: string;
  /** How often something is sent, when that is often enough to wait for; else null: what needs it is skipped. */
  readonly keepAliveMs: number | null;
}

/** A function, because the node starts in a hook, after the tests were declared. */
export type TargetOf = () => Target;
