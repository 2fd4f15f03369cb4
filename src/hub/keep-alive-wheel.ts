import type { Environment, Timer } from '../std/clock.js';

/** Something that wants a turn once a period. */
export interface WheelRider {
  keepAlive(nowTickMs: number): void;
}

const slotCount = 64;

/** One timer for every stream of a node: each is visited once a period, spread evenly. The timer runs only while somebody rides. */
export class KeepAliveWheel {
  readonly #slots: Set<WheelRider>[] = Array.from({ length: slotCount }, () => new Set());
  readonly #periodMs: number;
  readonly #environment: Environment;
  #riderCount = 0;
  #timer: Timer | null = null;
  #next = 0;
  #boarding = 0;

  constructor(periodMs: number, environment: Environment) {
    this.#periodMs = periodMs;
    this.#environment = environment;
  }

  /** Takes a rider; the first visit comes within a period. Returns how to leave. */
  add(rider: WheelRider): () => void {
    const slot = this.#slots[this.#boarding++ % slotCount] as Set<WheelRider>;
    slot.add(rider);
    this.#riderCount++;
    this.#timer ??= this.#environment.timers.every(this.#periodMs / slotCount, () => this.#turn());
    return () => {
      if (slot.delete(rider)) this.#riderCount--;
    };
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #turn(): void {
    if (this.#riderCount === 0) {
      this.stop();
      return;
    }
    const nowTickMs = this.#environment.clock.tickMs();
    for (const rider of this.#slots[this.#next++ % slotCount] as Set<WheelRider>) rider.keepAlive(nowTickMs);
  }
}
