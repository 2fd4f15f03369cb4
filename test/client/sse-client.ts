/** An event as a client handed it to the application. */
export interface ReceivedEvent {
  /** `message` for events without a type. */
  readonly type: string;
  readonly data: string;
  /** The last event id at that moment, as the client tells it. */
  readonly id: string;
}

/** What an application does with every client: follows an address. */
export interface SseClient {
  /** The origin of its requests, for CORS; absent where there is none. */
  readonly origin?: string;
  /** Gives up for good on the 204 that follows a terminal event. The others are closed by the application when `selvage.close` says `stop`. */
  readonly endsOn204: boolean;
  /** Hands over every event, whatever its name; the others only those whose type is listened to. */
  readonly hearsEveryName: boolean;
  connect(url: string, options: ConnectOptions): ClientStream | Promise<ClientStream>;
  close?(): Promise<void>;
}

export interface ConnectOptions {
  /** The types that the application listens to. */
  readonly types: readonly string[];
  /** Where to begin, given in the client's own way (an option, a header, or its own parameter in the query). */
  readonly lastEventId?: string;
}

/** One stream, as the application sees it. */
export interface ClientStream {
  /** In the order of the callbacks. */
  readonly events: readonly ReceivedEvent[];
  /** How often the client has said that it is connected. */
  readonly openedCount: number;
  /** It has given up for good by itself. */
  readonly isOver: boolean;
  close(): Promise<void>;
}

/** Collects what a client's callbacks say. */
export class RecordedStream implements ClientStream {
  readonly events: ReceivedEvent[] = [];
  openedCount = 0;
  isOver = false;
  readonly #close: () => void | Promise<void>;

  constructor(close: () => void | Promise<void>) {
    this.#close = close;
  }

  async close(): Promise<void> {
    await this.#close();
  }
}
