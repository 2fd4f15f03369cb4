import type { EncodedPlace } from '../protocol/event-body.js';
import { RecordEvent } from '../routing/record-event.js';
import type { EventKind } from '../routing/record-event.js';
import { Runs } from './runs.js';

/** What a row remembers besides its event. */
interface Owner {
  readonly channels: readonly string[];
}

const capacityMin = 16;
/** Rows are numbered up to here and from 0 on again: numbers that are small integers to the engine. */
const numberMask = 0x3fff_ffff;
/** A ring comes to its highest number soon, so that what would go wrong there goes wrong in a test and not after a day. */
const firstNumber = numberMask - 1_000;

class Columns<O> {
  readonly mask: number;
  readonly offsets: Float64Array;
  readonly timesMs: Float64Array;
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  readonly layouts: Uint32Array;
  readonly blocks: Uint32Array;
  readonly kinds: Uint32Array;
  readonly nexts: Uint32Array;
  readonly owners: (O | undefined)[];

  constructor(capacity: number) {
    this.mask = capacity - 1;
    this.offsets = new Float64Array(capacity);
    this.timesMs = new Float64Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
    this.layouts = new Uint32Array(capacity);
    this.blocks = new Uint32Array(capacity);
    this.kinds = new Uint32Array(capacity);
    this.nexts = new Uint32Array(capacity);
    this.owners = new Array<O | undefined>(capacity).fill(undefined);
  }

  copyRow(from: Columns<O>, number: number): void {
    const source = number & from.mask;
    const row = number & this.mask;
    this.offsets[row] = from.offsets[source] as number;
    this.timesMs[row] = from.timesMs[source] as number;
    this.starts[row] = from.starts[source] as number;
    this.lengths[row] = from.lengths[source] as number;
    this.layouts[row] = from.layouts[source] as number;
    this.blocks[row] = from.blocks[source] as number;
    this.kinds[row] = from.kinds[source] as number;
    this.nexts[row] = from.nexts[source] as number;
    this.owners[row] = from.owners[source];
  }
}

/**
 * Events first in, first out, as columns of numbers: a node holds a million of them for a minute each and most are never read, so that an object for each
 * would be what the garbage collector spends its time with. An event is an object again when somebody asks for it. Room doubles and halves with what is held.
 */
export class EventRing<O extends Owner> {
  #columns = new Columns<O>(capacityMin);
  /** The number of the oldest row. */
  #first = firstNumber;
  #length = 0;
  readonly #blocks = new Runs<Uint8Array>();
  readonly #kinds = new Runs<EventKind>();

  get length(): number {
    return this.#length;
  }

  /** The oldest row. */
  get first(): number {
    return this.#first;
  }

  /** Adds a row for an event of `owner`'s channels. @returns Its number, which is good until it is dropped. */
  push(event: RecordEvent, owner: O): number {
    if (this.#length > this.#columns.mask) this.#resize((this.#columns.mask + 1) * 2);
    const number = (this.#first + this.#length++) & numberMask;
    const columns = this.#columns;
    const row = number & columns.mask;
    columns.offsets[row] = event.offset;
    columns.timesMs[row] = event.timestampMs;
    columns.starts[row] = event.start;
    columns.lengths[row] = event.byteLength;
    columns.layouts[row] = event.layout;
    columns.blocks[row] = this.#blocks.add(event.block);
    columns.kinds[row] = this.#kinds.add(event.kind);
    columns.owners[row] = owner;
    return number;
  }

  /** Drops the oldest row. */
  shift(): void {
    const columns = this.#columns;
    columns.owners[this.#first & columns.mask] = undefined;
    this.#first = (this.#first + 1) & numberMask;
    this.#length--;
    if (this.#length === 0) {
      this.#blocks.clear();
      this.#kinds.clear();
    } else {
      const next = this.#first & columns.mask;
      this.#blocks.dropBelow(columns.blocks[next] as number);
      this.#kinds.dropBelow(columns.kinds[next] as number);
      if (this.#length * 4 < columns.mask && columns.mask >= capacityMin) this.#resize((columns.mask + 1) / 2);
    }
  }

  /** Notes which row comes behind this one in a list of the caller's. */
  setNext(number: number, next: number): void {
    this.#columns.nexts[number & this.#columns.mask] = next;
  }

  nextOf(number: number): number {
    return this.#columns.nexts[number & this.#columns.mask] as number;
  }

  ownerOf(number: number): O {
    return this.#columns.owners[number & this.#columns.mask] as O;
  }

  offsetOf(number: number): number {
    return this.#columns.offsets[number & this.#columns.mask] as number;
  }

  /** How many rows are older. */
  placeOf(number: number): number {
    return (number - this.#first) & numberMask;
  }

  /** The event of a row. */
  at(number: number): RecordEvent {
    const columns = this.#columns;
    const row = number & columns.mask;
    const body: EncodedPlace = {
      block: this.#blocks.at(columns.blocks[row] as number),
      start: columns.starts[row] as number,
      byteLength: columns.lengths[row] as number,
      layout: columns.layouts[row] as number,
    };
    const kind = this.#kinds.at(columns.kinds[row] as number);
    const { channels } = columns.owners[row] as O;
    return new RecordEvent(kind, columns.offsets[row] as number, columns.timesMs[row] as number, channels, body);
  }

  #resize(capacity: number): void {
    const columns = new Columns<O>(capacity);
    for (let i = 0; i < this.#length; i++) columns.copyRow(this.#columns, (this.#first + i) & numberMask);
    this.#columns = columns;
  }
}
