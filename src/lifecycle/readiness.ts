/** Whether one thing that traffic needs is there, with a reason for people. */
export interface Condition {
  readonly name: string;
  readonly isMet: boolean;
  readonly reason: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly conditions: readonly Condition[];
}

/**
 * Ready means delivering: every declared condition is met. A condition is declared before it is first met, so a part that never reports keeps
 * the node out of traffic.
 */
export class Readiness {
  readonly #conditions = new Map<string, Condition>();
  readonly #onChange: (report: ReadinessReport) => void;
  #wasReady = false;

  /** `onChange` is called whenever readiness as a whole changes. */
  constructor(onChange: (report: ReadinessReport) => void = () => undefined) {
    this.#onChange = onChange;
  }

  /** Declares a condition, not met until its setter says so. Names are unique. */
  declare(name: string, reason: string): (isMet: boolean, reason: string) => void {
    if (this.#conditions.has(name)) throw new Error(`readiness: the condition ${name} is declared twice`);
    const set = (isMet: boolean, why: string): void => {
      this.#conditions.set(name, { name, isMet, reason: why });
      this.#noteChange();
    };
    set(false, reason);
    return set;
  }

  report(): ReadinessReport {
    const conditions = [...this.#conditions.values()];
    return { ready: conditions.length > 0 && conditions.every(({ isMet }) => isMet), conditions };
  }

  #noteChange(): void {
    const report = this.report();
    if (report.ready === this.#wasReady) return;
    this.#wasReady = report.ready;
    this.#onChange(report);
  }
}
