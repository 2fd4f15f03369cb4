import type { SharedListener } from '../../src/log/event-log.js';
import type { ReplayWindow, Vouched, WindowStretch } from '../../src/window/replay-window.js';
import type { SimLog } from './sim-log.js';

/** A window whose writes take effect when the world says so: late, after their writer lost the partition, or never. */
export class SlowWindow implements Pick<ReplayWindow, 'write'> {
  readonly #window: ReplayWindow;
  readonly waiting: { readonly stretch: WindowStretch; readonly settle: (isLost: boolean) => void }[] = [];

  constructor(window: ReplayWindow) {
    this.#window = window;
  }

  /** The port, with `write` held back. */
  asWindow(): ReplayWindow {
    const window = this.#window;
    return new Proxy(window, {
      get: (target, name) => {
        if (name === 'write') return (stretch: WindowStretch) => this.write(stretch);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  write(stretch: WindowStretch): Promise<Vouched> {
    return new Promise((resolve, reject) => {
      this.waiting.push({
        stretch,
        settle: (isLost) => {
          if (isLost) reject(new Error('the writer died'));
          else this.#window.write(stretch).then(resolve, reject);
        },
      });
    });
  }
}

interface Owner {
  readonly listener: SharedListener;
  next: number | null;
  isStale: boolean;
  isBusy: boolean;
}

/** The shared group of one partition: an owner that reads on from where it stands, commits after the write, and may be replaced at any time. */
export class SimGroup {
  readonly topic: string;
  readonly partition: number;
  readonly #log: SimLog;
  readonly #newMember: () => SharedListener;
  #committed: number | null = null;
  #owner: Owner | null = null;

  constructor(log: SimLog, topic: string, partition: number, newMember: () => SharedListener) {
    this.#log = log;
    this.topic = topic;
    this.partition = partition;
    this.#newMember = newMember;
  }

  /** Lets the owner do the next thing it can. */
  async step(offsetsMax: number, losesCommit: boolean): Promise<void> {
    if (this.#owner === null) return this.#assign();
    const owner = this.#owner;
    if (owner.isBusy || owner.next === null) return;
    const { low, records } = this.#log.partition(this.topic, this.partition);
    if (records.length < owner.next) return this.rebalance(); // offset out of range: the consumer begins again
    const asked = Math.max(owner.next, low);
    const batch = this.#log.fetch(this.topic, this.partition, owner.next, offsetsMax);
    if (batch === null) return;
    owner.isBusy = true;
    void owner.listener
      .onBatch({ ...batch, from: asked }, () => owner.isStale)
      .then(
        () => {
          owner.next = batch.to + 1;
          if (!owner.isStale && !losesCommit) this.#committed = batch.to + 1;
        },
        () => undefined,
      )
      .finally(() => (owner.isBusy = false));
  }

  /** The partition goes to another member; what the old one had under way goes on. */
  rebalance(): void {
    if (this.#owner === null) return;
    this.#owner.isStale = true;
    this.#owner.listener.onRevoked();
    this.#owner = null;
  }

  /** The topic was made again: so are the group's offsets, sooner or later. */
  forgetCommitted(): void {
    this.#committed = null;
  }

  async #assign(): Promise<void> {
    const owner: Owner = { listener: this.#newMember(), next: null, isStale: false, isBusy: true };
    this.#owner = owner;
    const { low, records } = this.#log.partition(this.topic, this.partition);
    const assigned = { topic: this.topic, partition: this.partition, committed: this.#committed, low, end: records.length };
    void owner.listener.onAssigned([assigned]).then(
      ([start]) => {
        owner.next = start?.next ?? low;
        owner.isBusy = false;
      },
      () => {
        if (this.#owner === owner) this.#owner = null;
      },
    );
  }
}
