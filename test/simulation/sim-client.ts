import type { StreamHandle } from '../../src/subscribe/event-streams.js';
import type { SinkOwner } from '../../src/hub/sink.js';
import type { RequestSnapshot } from '../../src/protocol/request-snapshot.js';
import { topicTag, type Position } from '../../src/protocol/position.js';
import type { SimNode } from './sim-node.js';
import { SimParser, SimSocket } from './sim-reader.js';
import { cursorIn, decode, Violation, type SimWorld } from './sim-world.js';

/** What a reader asks for, always the same over its reconnects. */
export interface Plan {
  readonly channels: readonly string[];
  readonly types: readonly string[] | null;
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
  #wasOpened = false;
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
    return this.#socket !== null && this.#socket.isEmpty && this.#socket.isLive;
  }

  isOn(node: SimNode): boolean {
    return this.#node === node;
  }

  async connect(node: SimNode): Promise<void> {
    const answer = await this.#untilAnswered(Promise.resolve(node.streams.open(this.#request())));
    if (answer === null) return;
    if (answer.kind === 'refused' && answer.refusal.code === 'log-unavailable') return;
    if (answer.kind !== 'stream') throw new Violation(`${this.#name} was answered ${JSON.stringify(answer)}`);
    this.#parser.reset();
    this.#world.say(`${this.#name} connects to node ${this.#world.nodes.indexOf(node)} at ${this.#parser.lastEventId}`);
    const socket = new SimSocket(this.#plan.socketBytes);
    this.#socket = socket;
    this.#node = node;
    this.#owner = answer.attach(socket);
    socket.owner = this.#owner;
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
    const { channels, types, colour, format, rewind, since } = this.#plan;
    const query = new Map<string, string[]>([['channel', [...channels]]]);
    if (types !== null) query.set('type', [...types]);
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
    this.#parser.take(socket.take(bytes));
    this.#checkNews();
    if (socket.isEnded && socket.isEmpty) this.drop();
  }

  /** The topic is another one from now on, and so are its offsets. */
  forgetTopic(topic: string): void {
    this.#forgotten.add(topic);
  }

  // ---- judging

  /** Looks at what came since the last look: nothing unwanted, nothing twice, in order. */
  #checkNews(): void {
    const { seen } = this.#parser;
    for (; this.#seenBefore < seen.length; this.#seenBefore++) {
      const news = seen[this.#seenBefore];
      if (news === undefined) break;
      this.#world.say(`${this.#name} got ${news.kind === 'event' ? `${news.type} ${news.data}` : `GAP ${news.reason}`}`);
    }
    this.#wasOpened ||= this.#parser.positions.length > 0;
  }

  judge(): void {
    const [first] = this.#parser.positions;
    if (!this.#wasOpened || first === undefined) throw new Violation(`${this.#name} never got to a position`);
    if (!this.isAtHead) throw new Violation(`${this.#name} never got to live: position ${this.#parser.lastEventId}`);
    const got = this.#gotten();
    const begun = decode(first);
    const gaps = this.#parser.seen.flatMap((seen) => (seen.kind === 'gap' ? [seen] : []));
    for (const wanted of this.#wanted()) {
      if (got.has(wanted.data) || this.#forgotten.has(wanted.topic)) continue;
      const start = cursorIn(begun, wanted.topic, wanted.partition) ?? this.#startOfNewPartition(begun, wanted);
      if (wanted.offset <= start) continue;
      if (gaps.some((gap) => coversGap(gap.from, gap.to, wanted))) continue;
      throw new Violation(`${this.#name} LOST ${wanted.data}, begun at ${first}`);
    }
  }

  /** A partition that the first position does not speak of: a keyed channel is judged from its beginning only if it is news. */
  #startOfNewPartition(begun: Position, { topic, partition }: Wanted): number {
    const entry = begun.topics.find(({ tag }) => tag === topicTag(topic));
    return entry !== undefined && partition >= entry.partitionCount ? -1 : Infinity;
  }

  #gotten(): ReadonlySet<string> {
    const got = new Set<string>();
    const lasts = new Map<string, number>();
    const wanted = new Map([...this.#wanted()].map((event) => [event.data, event]));
    for (const seen of this.#parser.seen) {
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
    const { channels, types, colour } = this.#plan;
    for (const [topic, partitions] of this.#world.log.topics) {
      for (const [partition, { records }] of partitions.entries()) {
        for (const record of records) {
          const routed = record === null ? [] : this.#world.router.route(topic, partition, record);
          if (typeof routed === 'string') continue;
          for (const event of routed) {
            if (!event.channels.some((channel) => channels.includes(channel))) continue;
            if (types !== null && !types.includes(event.type)) continue;
            if (colour !== null && event.attributes?.['colour'] !== colour) continue;
            const data = new TextDecoder().decode(record?.value ?? new Uint8Array());
            yield { topic, partition, offset: event.offset, data: `${data}${event.type === 'second' ? '+' : ''}` };
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
