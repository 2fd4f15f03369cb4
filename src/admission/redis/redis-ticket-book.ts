import type { RedisConnection } from '../../redis/redis-connection.js';
import type { Clock } from '../../std/clock.js';
import type { TicketBook } from '../tickets/ticket-book.js';

/** A key a used ticket, which lapses with it: one command for each mark and each question. */
export class RedisTicketBook implements TicketBook {
  readonly #redis: RedisConnection;
  readonly #prefix: string;
  readonly #clock: Clock;

  /** `prefix` begins the keys, as everywhere. */
  constructor(redis: RedisConnection, prefix: string, clock: Clock) {
    this.#redis = redis;
    this.#prefix = `${prefix}:t1:ticket:`;
    this.#clock = clock;
  }

  async markUsed(ticketId: string, untilMs: number): Promise<void> {
    const leftMs = Math.ceil(untilMs - this.#clock.nowMs());
    if (leftMs > 0) await this.#redis.command('SET', this.#prefix + ticketId, '1', 'PX', leftMs);
  }

  async wasUsed(ticketId: string): Promise<boolean> {
    return (await this.#redis.command('EXISTS', this.#prefix + ticketId)) === 1;
  }
}
