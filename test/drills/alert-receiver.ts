import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an operator was told of one alert. */
export interface Notice {
  readonly atMs: number;
  readonly receiver: string;
  readonly alert: string;
  readonly status: 'firing' | 'resolved';
}

interface WebhookBody {
  readonly receiver: string;
  readonly alerts: readonly { readonly status: 'firing' | 'resolved'; readonly labels: Readonly<Record<string, string>> }[];
}

/** Stands where pagers and ticket systems stand: takes Alertmanager's webhooks and remembers them. */
export class AlertReceiver {
  readonly notices: Notice[] = [];
  readonly #server: Server;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.#take(JSON.parse(Buffer.concat(parts).toString()) as WebhookBody);
        response.end();
      });
    });
  }

  static async start(): Promise<AlertReceiver> {
    const receiver = new AlertReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    receiver.#port = (receiver.#server.address() as AddressInfo).port;
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take({ receiver, alerts }: WebhookBody): void {
    const atMs = Date.now();
    for (const { status, labels } of alerts) this.notices.push({ atMs, receiver, status, alert: labels['alertname'] ?? '?' });
  }
}
