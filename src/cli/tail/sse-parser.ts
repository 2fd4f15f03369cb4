/** A dispatched event of a stream. `data` null: the block had none, which readers ignore but for its `retry`. */
export interface SseEvent {
  readonly type: string;
  readonly data: string;
  /** The `id:` of this event; null: it has none. */
  readonly id: string | null;
}

export interface SseParserListener {
  onEvent(event: SseEvent): void;
  onRetry(retryMs: number): void;
}

/** No event of ours is longer: records have at most 64 MiB, and JSON at most doubles a text of plain letters. */
const frameCharactersMax = 160 * 1_048_576;

/**
 * Reads an event stream as the HTML standard says: lines end with CR, LF or CR LF, over any cut between chunks; an id with NUL is ignored, and is had when its
 * event is dispatched. Throws a RangeError for a frame without end.
 */
export class SseParser {
  readonly #listener: SseParserListener;
  #rest = '';
  #isFirst = true;
  #skipsLineFeed = false;
  #type = '';
  #data: string[] = [];
  #dataLength = 0;
  #id: string | null = null;

  constructor(listener: SseParserListener) {
    this.#listener = listener;
  }

  /** Takes the next piece of decoded text. */
  push(chunk: string): void {
    if (chunk === '') return;
    let text = chunk;
    if (this.#isFirst && text.startsWith('\ufeff')) text = text.slice(1);
    this.#isFirst = false;
    if (this.#skipsLineFeed && text.startsWith('\n')) text = text.slice(1);
    this.#skipsLineFeed = false;
    let from = 0;
    const lineEnd = /\r\n|\r|\n/g;
    for (let match = lineEnd.exec(text); match !== null; match = lineEnd.exec(text)) {
      const line = this.#rest + text.slice(from, match.index);
      this.#rest = '';
      from = match.index + match[0].length;
      // A CR at the end of a piece may be the first half of CR LF.
      if (match[0] === '\r' && from === text.length) this.#skipsLineFeed = true;
      this.#takeLine(line);
    }
    this.#rest += text.slice(from);
    if (this.#rest.length + this.#dataLength > frameCharactersMax) throw new RangeError('the stream has an event without end');
  }

  #takeLine(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#type = value;
    else if (field === 'data') {
      this.#data.push(value);
      this.#dataLength += value.length + 1;
    } else if (field === 'id' && !value.includes('\u0000')) this.#id = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.#listener.onRetry(Number(value));
  }

  #dispatch(): void {
    const event = { type: this.#type === '' ? 'message' : this.#type, data: this.#data.join('\n'), id: this.#id };
    const hasData = this.#data.length > 0;
    this.#type = '';
    this.#data = [];
    this.#dataLength = 0;
    this.#id = null;
    if (hasData) this.#listener.onEvent(event);
  }
}
