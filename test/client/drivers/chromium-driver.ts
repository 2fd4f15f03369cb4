import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { provideCommand } from '../../platform/provisioned.js';
import { RecordedStream } from '../sse-client.js';
import type { ClientStream, ConnectOptions, SseClient } from '../sse-client.js';
import { withPosition } from './listen-by-name.js';

const pagePath = join(import.meta.dirname, 'chromium-page.html');
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What the page tells. */
type PageReport =
  | { readonly kind: 'open' }
  | { readonly kind: 'error'; readonly isOver: boolean }
  | { readonly kind: 'event'; readonly type: string; readonly data: string; readonly id: string }
  | { readonly kind: 'shown'; readonly isPersisted: boolean };

/** A page that follows a stream by itself. */
export interface FollowingPage {
  readonly page: Page;
  readonly stream: ClientStream;
  /** For each time that the page was shown: whether it came out of the back-forward cache. */
  readonly shown: readonly boolean[];
}

/** Chromium's own EventSource, in pages of another origin than the stream's. */
export class ChromiumClient implements SseClient {
  readonly endsOn204 = true;
  readonly hearsEveryName = false;
  readonly origin: string;
  readonly #browser: Browser;
  readonly #server: Server;

  private constructor(browser: Browser, server: Server) {
    this.#browser = browser;
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<ChromiumClient> {
    const page = readFileSync(pagePath);
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(page));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // Playwright switches the back-forward cache off, and readers have it.
    const ignoreDefaultArgs = ['--disable-back-forward-cache'];
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: flags, ignoreDefaultArgs });
    return new ChromiumClient(browser, server);
  }

  async connect(url: string, { types, lastEventId }: ConnectOptions): Promise<ClientStream> {
    const { page, stream } = await this.#newPage();
    await page.goto(this.origin);
    const args = [withPosition(url, lastEventId), types].map((value) => JSON.stringify(value));
    await page.evaluate(`void follow(${args.join()})`);
    return stream;
  }

  /** Opens a page that keeps its position and follows the stream whenever it is shown. */
  async open(url: string): Promise<FollowingPage> {
    const opened = await this.#newPage();
    await opened.page.goto(`${this.origin}/#${encodeURIComponent(url)}`);
    return opened;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A page with a profile of its own: browsers allow six streams a host and profile. */
  async #newPage(): Promise<{ page: Page; stream: RecordedStream; shown: boolean[] }> {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    const stream = new RecordedStream(() => context.close());
    const shown: boolean[] = [];
    await page.exposeFunction('report', (report: PageReport) => {
      if (report.kind === 'open') stream.openedCount++;
      else if (report.kind === 'error') stream.isOver ||= report.isOver;
      else if (report.kind === 'shown') shown.push(report.isPersisted);
      else stream.events.push({ type: report.type, data: report.data, id: report.id });
    });
    return { page, stream, shown };
  }
}

function chromiumPath(): string {
  provideCommand('chromium');
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'chromium')).find((path) => existsSync(path)) ?? 'chromium';
}
