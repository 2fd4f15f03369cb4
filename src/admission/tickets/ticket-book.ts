/** Which tickets were used, known to every node. */
export interface TicketBook {
  /** Remembers the use until `untilMs` of the wall clock. Rejects while the store is away. */
  markUsed(ticketId: string, untilMs: number): Promise<void>;
  /** Rejects while the store is away. */
  wasUsed(ticketId: string): Promise<boolean>;
}
