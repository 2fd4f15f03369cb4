import type { StreamHandle } from '../../src/subscribe/event-streams.js';
import type { SinkOwner } from '../../src/hub/sink.js';
import type { RequestSnapshot } from '../../src/protocol/request-snapshot.js';
import type { Position } from '../../src/protocol/position.js';
import type { SimNode } from './sim-node.js';
import { SimParser, SimSocket, type Seen } from './sim-reader.js';
import { cursorIn, decode, Violation, type SimWorld } from './sim-world.js';

/** What a reader asks for, always the same over its reconnects. */
export interface Plan {
  readonly channels: readonly string[];
  readonly types: readonly string[] | null;
  /** The type that ends the stream. */
  readonly until: string | null;
  readonly colour: string | null;
  readonly format: 'plain' | 'envelope';
  readonly rewind: number;
  readonly since: string | null;
  readonly socketBytes: number;
}

interface Wanted {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly channel: string;
  readonly data: string;
}

/** One reader that drops and comes back, on any node, and remembers what it was told. */
export class SimClient {
  readonly #world: SimWorld;
  readonly #name: string;
  readonly #plan: Plan;
  readonly #parser = new SimParser();
  #socket: SimSocket | null = null;
  #owner: (SinkOwner & StreamHandle) | null = null;
  #node: SimNode | null = null;
  /** Where the reader is entitled to begin: what the node had read when the first connection whose head arrived was attached. */
  #begun: ReadonlyMap<string, number> | null = null;
  #attached: { readonly tails: ReadonlyMap<string, number>; headBytesLeft: number } | null = null;
  #isOver = false;
  /** Topics whose first incarnation is over: what was missed of it is not judged. */
  readonly #forgotten = new Set<string>();
  #seenBefore = 0;

  constructor(world: SimWorld, index: number, plan: Plan) {
    this.#world = world;
    this.#name = `client ${index}`;
    this.#plan = plan;
    world.say(`${this.#name} ${JSON.stringify(plan)}`);
  }

  get isConnected(): boolean {
    return this.#socket !== null;
  }

  /** Live, with nothing left on the wire. */
  get isAtHead(): boolean {
    return this.#isOver || (this.#socket !== null && this.#socket.isEmpty && this.#socket.isLive);
  }

  isOn(node: SimNode): boolean {
    return this.#node === node;
  }

  async connect(node: SimNode): Promise<void> {
    if (this.#isOver) return;
    const answer = await this.#untilAnswered(Promise.resolve(node.streams.open(this.#request())));
    if (answer === null) return;
    if (answer.kind === 'refused' && answer.refusal.code === 'log-unavailable') return;
    if (answer.kind === 'ended') {
      this.#isOver = true;
      if (this.#terminalAt() === null) throw new Violation(`${this.#name} was told that its stream has ended, and it has not`);
      return;
    }
    if (answer.kind !== 'stream') throw new Violation(`${this.#name} was answered ${JSON.stringify(answer)}`);
    this.#parser.reset();
    this.#world.say(`${this.#name} connects to node ${this.#world.nodes.indexOf(node)} at ${this.#parser.lastEventId}`);
    const socket = new SimSocket(this.#plan.socketBytes);
    this.#socket = socket;
    this.#node = node;
    this.#owner = answer.attach(socket);
    socket.owner = this.#owner;
    this.#attached = { tails: this.#tailsOf(node), headBytesLeft: socket.bytesWaiting };
  }

  #tailsOf(node: SimNode): ReadonlyMap<string, number> {
    const tails = new Map<string, number>();
    for (const [topic, partitions] of this.#world.log.topics) {
      for (let partition = 0; partition < partitions.length; partition++) tails.set(`${topic}/${partition}`, node.tailOf(topic, partition));
    }
    return tails;
  }

  /** Time moves while the request waits for something. */
  async #untilAnswered<T>(answer: Promise<T>): Promise<T | null> {
    let settled: { readonly value: T } | null = null;
    void answer.then((value) => (settled = { value }));
    for (let i = 0; i < 50; i++) {
      await this.#world.environment.settle();
      const found = settled as { readonly value: T } | null;
      if (found !== null) return found.value;
      await this.#world.environment.advance(100);
    }
    return null;
  }

  #request(): RequestSnapshot {
    const { channels, types, until, colour, format, rewind, since } = this.#plan;
    const query = new Map<string, string[]>([['channel', [...channels]]]);
    if (types !== null) query.set('type', [...types]);
    if (until !== null) query.set('until', [until]);
    if (colour !== null) query.set('colour', [colour]);
    if (format !== 'plain') query.set('format', [format]);
    if (rewind > 0) query.set('rewind', [String(rewind)]);
    if (since !== null) query.set('since', [since]);
    const headers = new Map<string, string>();
    if (this.#parser.lastEventId !== null) headers.set('last-event-id', this.#parser.lastEventId);
    return { method: 'GET', path: '/v1/events', pathParameters: {}, query, headers, remoteAddress: 'sim' };
  }

  drop(): void {
    this.#world.say(`${this.#name} drops at ${this.#parser.lastEventId}`);
    this.#owner?.onPeerGone();
    this.#socket = null;
    this.#owner = null;
    this.#node = null;
  }

  receive(bytes: number): void {
    const socket = this.#socket;
    if (socket === null) return;
    const text = socket.take(bytes);
    if (this.#attached !== null) {
      this.#attached.headBytesLeft -= text.length;
      if (this.#attached.headBytesLeft <= 0) this.#begun ??= this.#attached.tails;
    }
    this.#parser.take(text);
    this.#sayNews();
    if (socket.isEnded && socket.isEmpty) this.drop();
  }

  /** The topic is another one from now on, and so are its offsets. */
  forgetTopic(topic: string): void {
    this.#forgotten.add(topic);
  }

  // ---- judging

  #sayNews(): void {
    const { seen } = this.#parser;
    for (; this.#seenBefore < seen.length; this.#seenBefore++) {
      const news = seen[this.#seenBefore];
      if (news === undefined) break;
      this.#world.say(`${this.#name} got ${news.kind === 'event' ? `${news.type} ${news.data}` : `GAP ${news.reason}`}`);
    }
  }

  judge(): void {
    const got = this.#gotten();
    if (this.#isOver) return;
    const [first] = this.#parser.positions;
    const begun = this.#begun;
    if (begun === null || first === undefined) throw new Violation(`${this.#name} never got to a position`);
    if (!this.isAtHead) throw new Violation(`${this.#name} never got to live: position ${this.#parser.lastEventId}`);
    const gaps = this.#parser.seen.flatMap((seen) => (seen.kind === 'gap' ? [seen] : []));
    for (const gap of gaps) this.#judgeGap(gap);
    for (const wanted of this.#wanted()) {
      if (got.has(wanted.data) || this.#forgotten.has(wanted.topic)) continue;
      if (wanted.offset <= this.#startOf(wanted, decode(first), begun)) continue;
      if (gaps.some((gap) => coversGap(gap.from, gap.to, wanted))) continue;
      throw new Violation(`${this.#name} LOST ${wanted.data}, begun at ${first}`);
    }
    this.#judgePresentState(got, gaps);
  }

  /** A reader that asked for the past begins where its first position says; any other where its node's tail was. */
  #startOf({ topic, partition }: Wanted, first: Position, begun: ReadonlyMap<string, number>): number {
    const start = cursorIn(first, topic, partition);
    if (this.#plan.since !== null || this.#plan.rewind > 0) return start ?? Infinity;
    // A latest event stands for what was before it.
    return Math.max(begun.get(`${topic}/${partition}`) ?? -1, topic === 'state' ? (start ?? -1) : -1);
  }

  /** A reader of channels that keep their latest event knows the newest one in the end, or was told that it may not. */
  #judgePresentState(got: ReadonlySet<string>, gaps: readonly unknown[]): void {
    if (gaps.length > 0 || this.#plan.types !== null || this.#plan.colour !== null || this.#plan.since !== null || this.#plan.rewind > 0)
      return;
    const newest = new Map<string, Wanted>();
    for (const wanted of this.#wanted()) if (wanted.topic === 'state') newest.set(wanted.channel, wanted);
    for (const { data } of newest.values()) {
      if (!got.has(data)) throw new Violation(`${this.#name} does not know the present state ${data}`);
    }
  }

  /** A gap may only cover what cannot be had. */
  #judgeGap({ reason, from, to }: Extract<Seen, { kind: 'gap' }>): void {
    const isKnown = !this.#forgotten.has('spread');
    if (reason === 'future-position' && isKnown) throw new Violation(`${this.#name} was told ${reason}, and nothing was`);
    if (reason === 'other-cluster' || reason === 'compacted') throw new Violation(`${this.#name} was told ${reason}`);
    if (reason !== 'expired' || from === null) return;
    for (const [topic, partitions] of this.#world.log.topics) {
      for (const [partition, { low }] of partitions.entries()) {
        const end = cursorIn(to, topic, partition);
        if (this.#forgotten.has(topic) || end === null || end === cursorIn(from, topic, partition) || end < low) continue;
        throw new Violation(`${this.#name} was told that ${topic}-${partition} expired up to ${end}, and the log begins at ${low}`);
      }
    }
  }

  /** How many events were seen when the terminal one came; null: it did not. */
  #terminalAt(): number | null {
    const { until } = this.#plan;
    const at = until === null ? -1 : this.#parser.seen.findIndex((seen) => seen.kind === 'event' && seen.type === until);
    return at < 0 ? null : at;
  }

  #gotten(): ReadonlySet<string> {
    const got = new Set<string>();
    const lasts = new Map<string, number>();
    const wanted = new Map([...this.#wanted()].map((event) => [event.data, event]));
    const terminal = this.#terminalAt() ?? Infinity;
    for (const [i, seen] of this.#parser.seen.entries()) {
      if (i > terminal) throw new Violation(`${this.#name} got more after the terminal event`);
      if (seen.kind === 'gap') {
        if (seen.reason === 'store-lost') lasts.clear();
        continue;
      }
      const data = this.#plan.format === 'envelope' ? this.#unwrap(seen.data) : seen.data;
      const identity = `${data}${seen.type === 'second' ? '+' : ''}`;
      const [topic = '', partition = '', offset = ''] = data.replaceAll('"', '').split('/');
      if (this.#forgotten.has(topic)) continue;
      if (!wanted.has(identity)) throw new Violation(`${this.#name} got ${identity}, which it did not ask for`);
      if (got.has(identity)) {
        if (this.#mayRepeat(topic) || wanted.has(`${identity}+`)) continue;
        throw new Violation(`${this.#name} got ${identity} TWICE`);
      }
      got.add(identity);
      const last = lasts.get(`${topic}/${partition}`) ?? -1;
      if (Number(offset) < last && !this.#mayRepeat(topic))
        throw new Violation(`${this.#name} got ${identity} after ${topic}/${partition}@${last}`);
      lasts.set(`${topic}/${partition}`, Number(offset));
    }
    return got;
  }

  /**
   * A latest event is the present state: it may be known already. (The frames of one record but the last carry no id, so a reader that drops
   * between them gets the first again.)
   */
  #mayRepeat(topic: string): boolean {
    return topic === 'state';
  }

  #unwrap(text: string): string {
    const { channel, channels, data } = JSON.parse(text) as { channel: string; channels?: string[]; data: string };
    for (const name of channels ?? [channel]) {
      if (!this.#plan.channels.includes(name)) throw new Violation(`${this.#name} was shown the channel ${name}`);
    }
    return JSON.stringify(data);
  }

  *#wanted(): Iterable<Wanted> {
    const { channels, types, until, colour } = this.#plan;
    for (const [topic, partitions] of this.#world.log.topics) {
      for (const [partition, { records }] of partitions.entries()) {
        for (const record of records) {
          const routed = record === null ? [] : this.#world.router.route(topic, partition, record);
          if (typeof routed === 'string') continue;
          for (const event of routed) {
            const channel = event.channels.find((name) => channels.includes(name));
            if (channel === undefined) continue;
            const isFiltered =
              (types !== null && !types.includes(event.type)) || (colour !== null && event.attributes?.['colour'] !== colour);
            if (isFiltered && event.type !== until) continue;
            const data = new TextDecoder().decode(record?.value ?? new Uint8Array());
            yield { topic, partition, offset: event.offset, channel, data: `${data}${event.type === 'second' ? '+' : ''}` };
          }
        }
      }
    }
  }
}

/** A gap covers (from, to] of every partition that its end speaks of; one without a beginning covers everything up to its end. */
function coversGap(from: Position | null, to: Position, { topic, partition, offset }: Wanted): boolean {
  const end = cursorIn(to, topic, partition);
  if (end === null || offset > end) return false;
  const start = from === null ? null : cursorIn(from, topic, partition);
  return start === null || offset > start;
}
