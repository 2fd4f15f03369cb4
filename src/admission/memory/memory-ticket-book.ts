import type { Clock } from '../../std/clock.js';
import type { TicketBook } from '../tickets/ticket-book.js';

/** Marks that are held; beyond that the oldest go, and their streams need a new ticket. */
const marksMax = 100_000;

/** The book of a node that is alone. */
export class MemoryTicketBook implements TicketBook {
  readonly #clock: Clock;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  markUsed(ticketId: string, untilMs: number): Promise<void> {
    this.#untilMs.delete(ticketId);
    this.#untilMs.set(ticketId, untilMs);
    if (this.#untilMs.size > marksMax) {
      for (const oldest of this.#untilMs.keys()) {
        this.#untilMs.delete(oldest);
        break;
      }
    }
    return Promise.resolve();
  }

  wasUsed(ticketId: string): Promise<boolean> {
    return Promise.resolve((this.#untilMs.get(ticketId) ?? 0) > this.#clock.nowMs());
  }
}
