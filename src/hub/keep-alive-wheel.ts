import type { Environment, Timer } from '../std/clock.js';

/** Something that wants a turn once a period. */
export interface WheelRider {
  keepAlive(nowTickMs: number): void;
}

const slotCount = 64;

/** One timer for every stream of a node: each is visited once a period, spread evenly. */
export class KeepAliveWheel {
  readonly #slots: Set<WheelRider>[] = Array.from({ length: slotCount }, () => new Set());
  readonly #environment: Environment;
  readonly #timer: Timer;
  #next = 0;
  #boarding = 0;

  constructor(periodMs: number, environment: Environment) {
    this.#environment = environment;
    this.#timer = environment.timers.every(periodMs / slotCount, () => this.#turn());
  }

  /** Takes a rider; the first visit comes within a period. Returns how to leave. */
  add(rider: WheelRider): () => void {
    const slot = this.#slots[this.#boarding++ % slotCount] as Set<WheelRider>;
    slot.add(rider);
    return () => slot.delete(rider);
  }

  stop(): void {
    this.#timer.cancel();
  }

  #turn(): void {
    const nowTickMs = this.#environment.clock.tickMs();
    for (const rider of this.#slots[this.#next++ % slotCount] as Set<WheelRider>) rider.keepAlive(nowTickMs);
  }
}
