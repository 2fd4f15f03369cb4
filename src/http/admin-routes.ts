import type { StreamSummary } from '../admission/stream-registry.js';
import type { DisconnectContext } from './admin-disconnect.js';
import { disconnect } from './admin-disconnect.js';
import type { AdminExchange } from './admin-exchange.js';
import { refuseAdmin } from './admin-guard.js';
import type { AdminGuardOptions } from './admin-guard.js';

/** What `/v1/*` of the admin port tells and does; a part that is absent is answered 404. */
export interface AdminActions {
  readonly disconnect?: DisconnectContext;
  /** Who uses most; `top` is 1 to 1000. */
  readonly usage?: (top: number) => unknown;
  /** Open streams of a subject on this node. */
  readonly streams?: (subject: string, countMax: number) => { readonly streams: readonly StreamSummary[]; readonly total: number };
  /** The effective configuration, without secrets. */
  readonly config?: () => unknown;
}

const topDefault = 20;
const topMax = 1_000;
const listedMax = 1_000;
const textMax = 1_024;

type Handler = (exchange: AdminExchange) => Promise<void> | void;

/** Answers `/v1/*`. The guard comes first: what is refused there shows nothing of what is here. */
export function createAdminRoutes(actions: AdminActions, guard: AdminGuardOptions): (exchange: AdminExchange) => Promise<void> {
  const routes = new Map<string, { readonly method: string; readonly handle: Handler }>();
  const { disconnect: context, usage, streams, config } = actions;
  if (context !== undefined) routes.set('/v1/disconnect', { method: 'POST', handle: (exchange) => disconnect(exchange, context) });
  if (usage !== undefined) routes.set('/v1/usage', { method: 'GET', handle: (exchange) => tellUsage(exchange, usage) });
  if (streams !== undefined) routes.set('/v1/streams', { method: 'GET', handle: (exchange) => listStreams(exchange, streams) });
  if (config !== undefined) routes.set('/v1/config', { method: 'GET', handle: (exchange) => exchange.answerJson(config()) });
  return async (exchange) => {
    const refusal = refuseAdmin(exchange, guard);
    if (refusal !== null) return exchange.refuse({ ...refusal, closeConnection: true });
    const route = routes.get(exchange.path);
    if (route === undefined) return exchange.refuse({ code: 'not-found', detail: `Served are ${[...routes.keys()].join(', ')}.` });
    const { method, handle } = route;
    if (exchange.method !== method && !(method === 'GET' && exchange.method === 'HEAD')) {
      const allow = method === 'GET' ? 'GET, HEAD' : method;
      return exchange.refuse({
        code: 'method-not-allowed',
        detail: `Served here: ${allow}.`,
        headers: { Allow: allow },
        closeConnection: true,
      });
    }
    if (exchange.query === null) return exchange.refuse({ code: 'malformed-request', detail: 'The query holds a malformed escape.' });
    await handle(exchange);
  };
}

async function tellUsage(exchange: AdminExchange, usage: NonNullable<AdminActions['usage']>): Promise<void> {
  const given = exchange.query?.get('top')?.[0];
  const top = given === undefined ? topDefault : /^\d{1,4}$/.test(given) ? Number(given) : 0;
  if (top < 1 || top > topMax) return exchange.refuse({ code: 'invalid-parameter', detail: `"top" is 1 to ${topMax}.`, limit: topMax });
  exchange.answerJson(await usage(top));
}

function listStreams(exchange: AdminExchange, streams: NonNullable<AdminActions['streams']>): void {
  const subject = exchange.query?.get('subject')?.[0] ?? '';
  if (subject === '' || subject.length > textMax) {
    return exchange.refuse({ code: 'invalid-parameter', detail: `"subject" is needed, of 1 to ${textMax} characters.` });
  }
  exchange.answerJson(streams(subject, listedMax));
}
