import type { Environment, Timer } from '../std/clock.js';

/** Something that has a next moment at which it wants to be looked at. */
export interface DeadlineRider {
  /** The wheel's own: the slot that the rider is in; -1 to begin with. */
  wheelSlot: number;
  /** Does what is due. Returns in how many milliseconds it wants the next look; Infinity: never. */
  look(): number;
}

const turnMs = 500;
const slotCount = 128;

/**
 * One timer for the deadlines of every stream of a node, exact to a turn (500 ms). Deadlines beyond one round (64 s) are looked at once a round.
 * The timer runs only while somebody rides.
 */
export class DeadlineWheel {
  readonly #environment: Environment;
  readonly #slots: Set<DeadlineRider>[] = Array.from({ length: slotCount }, () => new Set());
  #riderCount = 0;
  #timer: Timer | null = null;
  /** Turns since the timer started. */
  #turn = 0;
  #startedTickMs = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Looks at the rider in `delayMs`, in place of any earlier wish; Infinity: never. */
  plan(rider: DeadlineRider, delayMs: number): void {
    this.forget(rider);
    if (delayMs === Infinity) return;
    this.#start();
    const turns = Math.min(slotCount - 1, Math.max(1, Math.ceil(delayMs / turnMs)));
    rider.wheelSlot = (this.#turn + turns) % slotCount;
    this.#slots[rider.wheelSlot]?.add(rider);
    this.#riderCount++;
  }

  forget(rider: DeadlineRider): void {
    if (rider.wheelSlot < 0) return;
    if (this.#slots[rider.wheelSlot]?.delete(rider) === true) this.#riderCount--;
    rider.wheelSlot = -1;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #start(): void {
    if (this.#timer !== null) return;
    this.#turn = 0;
    this.#startedTickMs = this.#environment.clock.tickMs();
    this.#timer = this.#environment.timers.every(turnMs, () => this.#advance());
  }

  /** A timer that comes late makes up for the turns that it missed; after a stall of more than a round every slot has its turn once. */
  #advance(): void {
    const now = Math.floor((this.#environment.clock.tickMs() - this.#startedTickMs) / turnMs);
    this.#turn = Math.max(this.#turn, now - slotCount);
    while (this.#turn < now) this.#look(++this.#turn % slotCount);
    if (this.#riderCount === 0) this.stop();
  }

  #look(slot: number): void {
    const riders = this.#slots[slot];
    if (riders === undefined || riders.size === 0) return;
    this.#slots[slot] = new Set();
    this.#riderCount -= riders.size;
    for (const rider of riders) rider.wheelSlot = -1;
    for (const rider of riders) this.plan(rider, rider.look());
  }
}
