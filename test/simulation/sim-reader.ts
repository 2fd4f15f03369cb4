import type { Sink, SinkOwner } from '../../src/hub/sink.js';
import { decodePosition, type Position } from '../../src/protocol/position.js';

/** What a client of the protocol saw. */
export type Seen =
  | { readonly kind: 'event'; readonly type: string; readonly data: string }
  | { readonly kind: 'gap'; readonly reason: string; readonly from: Position | null; readonly to: Position };

/** A socket that holds so many bytes and then refuses more; what it holds is lost when the peer drops. */
export class SimSocket implements Sink {
  owner: SinkOwner | null = null;
  readonly #capacityBytes: number;
  #pending = '';
  #bytesHeld = 0;
  isEnded = false;
  isLive = false;
  highWaterBytes = 0;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  write(frames: Uint8Array): boolean {
    if (this.isEnded) return false;
    this.#pending += new TextDecoder().decode(frames);
    this.#bytesHeld = this.#pending.length;
    this.highWaterBytes = Math.max(this.highWaterBytes, this.#bytesHeld);
    return this.#bytesHeld < this.#capacityBytes;
  }

  end(frames: Uint8Array): void {
    this.write(frames);
    this.isEnded = true;
  }

  onLive(): void {
    this.isLive = true;
  }

  get bytesWaiting(): number {
    return this.#pending.length;
  }

  get isEmpty(): boolean {
    return this.#pending === '';
  }

  /** Takes up to `bytes` off the wire. */
  take(bytes: number): string {
    const wasFull = this.#pending.length >= this.#capacityBytes;
    const text = this.#pending.slice(0, bytes);
    this.#pending = this.#pending.slice(bytes);
    if (wasFull && this.#pending.length < this.#capacityBytes && !this.isEnded) this.owner?.onWritable();
    return text;
  }
}

/** Reads the wire format as a browser does: an id takes effect with its frame. */
export class SimParser {
  lastEventId: string | null = null;
  readonly seen: Seen[] = [];
  /** Positions in the order they took effect. */
  readonly positions: string[] = [];
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id: string | null = null;

  /** A new connection: half a frame of the old one is gone. */
  reset(): void {
    this.#rest = '';
    this.#type = '';
    this.#data = [];
    this.#id = null;
  }

  take(text: string): void {
    this.#rest += text;
    for (;;) {
      const end = this.#rest.indexOf('\n');
      if (end < 0) return;
      this.#line(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end + 1);
    }
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') this.#type = value ?? '';
    else if (field === 'data') this.#data.push(value ?? '');
    else if (field === 'id') this.#id = value ?? '';
  }

  #dispatch(): void {
    const type = this.#type === '' ? 'message' : this.#type;
    const data = this.#data.join('\n');
    const hasData = this.#data.length > 0;
    const id = this.#id;
    this.#clear();
    if (!hasData) return; // as eventsource 4 does: a frame without data is nothing, its id neither
    if (id !== null) {
      this.lastEventId = id;
      this.positions.push(id);
    }
    if (type === 'selvage.gap') this.seen.push(gapOf(data, id));
    else if (!type.startsWith('selvage.')) this.seen.push({ kind: 'event', type, data });
  }

  #clear(): void {
    this.#type = '';
    this.#data = [];
    this.#id = null;
  }
}

function gapOf(data: string, id: string | null): Seen {
  const { reason, from, to } = JSON.parse(data) as { reason: string; from: string | null; to: string };
  if (id !== to) throw new Error(`a gap that leads to ${to} has the id ${id}`);
  const decoded = decodePosition(to);
  if (decoded === null) throw new Error(`a gap leads to ${to}, which is no position`);
  return { kind: 'gap', reason, from: from === null ? null : decodePosition(from), to: decoded };
}
