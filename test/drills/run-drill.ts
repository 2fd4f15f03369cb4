import { setTimeout as sleep } from 'node:timers/promises';
import type { Alerting, Look } from './alerting.js';
import type { DrillWorld } from './drill-world.js';

/** A fault, what an operator is to be told of it, and how it is mended. */
export interface Drill {
  readonly name: string;
  /** Alerts that are to fire, each; nothing else may, but what these inhibit. */
  readonly fires: readonly string[];
  /** Alerts that may fire too: the budgets that the fault uses up. Their end is not waited for. */
  readonly mayFollow?: readonly string[];
  /** Windows, waits and intervals of the rules are divided by it. */
  readonly factor: number;
  /** Longest from the fault until all of them fire. */
  readonly firesWithinSeconds: number;
  /** Longest from the mending until none does. */
  readonly clearsWithinSeconds: number;
  /** A drill in which nothing is to fire looks on for so long. */
  readonly quietSeconds?: number;
  /** It leaves behind what nodes that start would tell again: the next drill has a world of its own. */
  readonly spoilsWorld?: boolean;
  /** What the machine does not let the drill do; null: nothing. Default: nothing. */
  lacks?(): string | null;
  fault(world: DrillWorld): Promise<unknown>;
  mend(world: DrillWorld): Promise<unknown>;
}

/** How it went, in seconds from the fault and from its mending. */
export interface DrillResult {
  readonly name: string;
  readonly factor: number;
  /** Alert → when it began to fire. */
  readonly fired: ReadonlyMap<string, number>;
  /** Alert → when it had cleared. */
  readonly cleared: ReadonlyMap<string, number>;
  /** What was inhibited at some time. */
  readonly inhibited: ReadonlySet<string>;
  /** Sentences for what is wrong; none: it is as it has to be. */
  readonly problems: readonly string[];
}

const everyMs = 400;
/** After all of them fire nothing else may begin for so long. */
const settleMs = 4_000;
/** What an inhibiting alert comes after is inhibited a moment late: Alertmanager waits for a group's members for longer than this before it tells anybody. */
const passingMs = 2_500;

/** fault → exactly the expected alerts fire → mend → they clear; bounded. Judged by what Alertmanager holds uninhibited. */
export async function runDrill(drill: Drill, world: DrillWorld, alerting: Alerting): Promise<DrillResult> {
  const watch = new Watch(drill, alerting);
  const problems: string[] = [];
  try {
    if (!(await watch.until(({ active }) => active.size === 0, 30_000))) problems.push(`not calm at the beginning: ${watch.tell()}`);
    else {
      watch.begin();
      await drill.fault(world);
      const allFire = (): boolean => drill.fires.every((alert) => watch.fired.has(alert));
      if (!(await watch.until(allFire, drill.firesWithinSeconds * 1_000))) {
        problems.push(`expected within ${drill.firesWithinSeconds} s: ${drill.fires.join(', ')}; ${watch.tell()}`);
      }
      await watch.goOn(drill.quietSeconds === undefined ? settleMs : drill.quietSeconds * 1_000);
    }
  } finally {
    watch.mend();
    await drill.mend(world);
  }
  // What may follow is a budget that was used up: it clears when long windows have passed, which nobody waits for here.
  const isOver = (alert: string): boolean => drill.mayFollow?.includes(alert) === true;
  const allCleared = ({ active, inhibited }: Look): boolean => [...active, ...inhibited].every(isOver);
  if (!(await watch.until(allCleared, drill.clearsWithinSeconds * 1_000))) {
    problems.push(`not cleared within ${drill.clearsWithinSeconds} s: ${watch.tell()}`);
  }
  problems.push(...watch.unexpected());
  return { name: drill.name, factor: drill.factor, fired: watch.fired, cleared: watch.cleared, inhibited: watch.inhibited, problems };
}

/** Looks at the alerts again and again, and remembers when each began and ended. */
class Watch {
  readonly fired = new Map<string, number>();
  readonly cleared = new Map<string, number>();
  readonly inhibited = new Set<string>();
  readonly #drill: Drill;
  readonly #alerting: Alerting;
  readonly #activeMs = new Map<string, number>();
  readonly #unexpected = new Map<string, string>();
  #last: Look = { active: new Set(), inhibited: new Set(), pending: new Set() };
  #beganAtMs: number | null = null;
  #mendedAtMs: number | null = null;
  #lookedAtMs = Date.now();

  constructor(drill: Drill, alerting: Alerting) {
    this.#drill = drill;
    this.#alerting = alerting;
  }

  begin(): void {
    this.#beganAtMs = Date.now();
    this.#lookedAtMs = Date.now();
  }

  mend(): void {
    this.#mendedAtMs = Date.now();
  }

  /** Looks until `test` holds; false: not within the time. */
  async until(test: (look: Look) => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      if (test(await this.#look())) return true;
      if (Date.now() >= deadline) return false;
      await sleep(everyMs);
    }
  }

  async goOn(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  unexpected(): string[] {
    return [...this.#unexpected.values()];
  }

  tell(): string {
    const list = (names: ReadonlySet<string>): string => [...names].sort().join(', ') || 'none';
    const { active, inhibited, pending } = this.#last;
    return `firing: ${list(active)}; inhibited: ${list(inhibited)}; pending: ${list(pending)}`;
  }

  async #look(): Promise<Look> {
    const look = await this.#alerting.look();
    const nowMs = Date.now();
    this.#last = look;
    if (this.#beganAtMs !== null) this.#take(look, this.#beganAtMs, nowMs);
    this.#lookedAtMs = nowMs;
    return look;
  }

  #take({ active, inhibited }: Look, beganAtMs: number, nowMs: number): void {
    for (const alert of inhibited) this.inhibited.add(alert);
    for (const alert of active) {
      if (!this.fired.has(alert)) this.fired.set(alert, (nowMs - beganAtMs) / 1_000);
      this.cleared.delete(alert);
      const forMs = (this.#activeMs.get(alert) ?? 0) + nowMs - this.#lookedAtMs;
      this.#activeMs.set(alert, forMs);
      if (forMs > passingMs && !this.#mayFire(alert)) this.#note(alert, (nowMs - beganAtMs) / 1_000);
    }
    for (const alert of this.fired.keys()) {
      if (active.has(alert) || this.cleared.has(alert)) continue;
      this.#activeMs.delete(alert);
      this.cleared.set(alert, (nowMs - (this.#mendedAtMs ?? beganAtMs)) / 1_000);
    }
  }

  #mayFire(alert: string): boolean {
    const { fires, mayFollow = [] } = this.#drill;
    return fires.includes(alert) || mayFollow.includes(alert);
  }

  #note(alert: string, atSeconds: number): void {
    if (this.#unexpected.has(alert)) return;
    const when = this.#mendedAtMs === null ? 'during the fault' : 'after it was mended';
    this.#unexpected.set(alert, `unexpected ${when}, ${atSeconds.toFixed(0)} s after the fault: ${alert}; ${this.tell()}`);
  }
}
