/** What one node asks of all, through the control topic. Unknown kinds and fields are ignored: two versions of the program share the topic. */
export type ControlCommand = DisconnectCommand | RenewCommand | EvictCommand;

/** Ends the streams that match every field given, and refuses the token (by id) or all tokens of the subject issued before `atMs`, until `untilMs`. */
export interface DisconnectCommand {
  readonly kind: 'disconnect';
  readonly subject?: string;
  readonly tokenId?: string;
  readonly channel?: string;
  /** When it was asked, by the wall clock of the node that was asked. */
  readonly atMs: number;
  /** From then on no token that it refuses can be valid. */
  readonly untilMs: number;
}

/** A stream goes on with a fresh token, which the node that was asked has verified. */
export interface RenewCommand {
  readonly kind: 'renew';
  readonly streamId: string;
  readonly subject: string;
  readonly tokenId: string;
  readonly issuedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** The verified claims, from which the grants are made anew. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Streams that made room for newer ones of the same user. */
export interface EvictCommand {
  readonly kind: 'evict';
  readonly streamIds: readonly string[];
}

/** Sends to every node, this one included. Rejects with a `LogError` when the log does not take it. */
export interface ControlSender {
  send(command: ControlCommand): Promise<void>;
}
