export interface ParsedEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string | null;
}

/** Server-Sent Events from pieces of text, as far as the tests need them: events, `retry:`, and whether anything came at all. */
export class StreamParser {
  retryMs: number | null = null;
  readonly #onEvent: (event: ParsedEvent) => void;
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id: string | null = null;

  constructor(onEvent: (event: ParsedEvent) => void) {
    this.#onEvent = onEvent;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#takeLine(line);
  }

  #takeLine(line: string): void {
    if (line === '') {
      if (this.#data.length > 0) this.#onEvent({ type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id });
      this.#type = '';
      this.#data = [];
      this.#id = null;
      return;
    }
    const [, field = '', value = ''] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id') this.#id = value;
    else if (field === 'retry') this.retryMs = Number(value);
  }
}
