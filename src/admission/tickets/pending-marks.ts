import type { Environment, Timer } from '../../std/clock.js';
import type { TicketBook } from './ticket-book.js';

/** Marks that wait for the store; beyond that the oldest go. */
const pendingMax = 10_000;
const retryMs = 1_000;

/** Uses that the store could not take, written as soon as it can: until then other nodes would refuse these tickets' reconnects. */
export class PendingMarks {
  readonly #book: TicketBook;
  readonly #environment: Environment;
  readonly #pending = new Map<string, number>();
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(book: TicketBook, environment: Environment) {
    this.#book = book;
    this.#environment = environment;
  }

  get count(): number {
    return this.#pending.size;
  }

  add(ticketId: string, untilMs: number): void {
    const [oldest] = this.#pending.keys();
    if (this.#pending.size >= pendingMax && oldest !== undefined) this.#pending.delete(oldest);
    this.#pending.set(ticketId, untilMs);
    this.#plan();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #plan(): void {
    if (this.#isStopped || this.#pending.size === 0) return;
    this.#timer ??= this.#environment.timers.after(retryMs, () => void this.#write());
  }

  /** One after the other; the first that fails ends the attempt. */
  async #write(): Promise<void> {
    const nowMs = this.#environment.clock.nowMs();
    for (const [ticketId, untilMs] of [...this.#pending]) {
      try {
        if (untilMs > nowMs) await this.#book.markUsed(ticketId, untilMs);
      } catch {
        break;
      }
      this.#pending.delete(ticketId);
    }
    this.#timer = null;
    this.#plan();
  }
}
