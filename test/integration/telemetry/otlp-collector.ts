import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '../../platform/wait-for.js';

type OtlpValue = { readonly stringValue?: string; readonly intValue?: number | string; readonly boolValue?: boolean };

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events?: readonly { readonly name: string }[];
  readonly status?: { readonly code?: number };
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpSpan['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** A span as it arrived, its attributes by name. */
export interface ArrivedSpan extends Omit<OtlpSpan, 'attributes'> {
  readonly fields: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly service: unknown;
}

/** A receiver of OTLP over HTTP (JSON), as a collector is one. `await using`. */
export class OtlpCollector {
  readonly spans: ArrivedSpan[] = [];
  readonly authorizations = new Set<string | undefined>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const isTraces =
          request.method === 'POST' && request.url === '/v1/traces' && request.headers['content-type'] === 'application/json';
        if (isTraces) this.#take(JSON.parse(Buffer.concat(chunks).toString()) as OtlpRequest);
        this.authorizations.add(request.headers.authorization);
        response.writeHead(isTraces ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  static async start(): Promise<OtlpCollector> {
    const collector = new OtlpCollector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Waits for a span. */
  find(what: string, isIt: (span: ArrivedSpan) => boolean): Promise<ArrivedSpan> {
    return waitFor(() => this.spans.find(isIt), { what, timeoutMs: 15_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take({ resourceSpans }: OtlpRequest): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = fieldsOf(resource.attributes)['service.name'];
      for (const { attributes, ...span } of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({ ...span, fields: fieldsOf(attributes), service });
      }
    }
  }
}

function fieldsOf(attributes: OtlpSpan['attributes']): ArrivedSpan['fields'] {
  const valueOf = ({ stringValue, intValue, boolValue }: OtlpValue): string | number | boolean | undefined =>
    stringValue ?? (intValue === undefined ? boolValue : Number(intValue));
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}
