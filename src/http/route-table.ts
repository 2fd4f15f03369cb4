import type { Exchange } from './exchange.js';

/** One address and what is served there. */
export interface Route {
  /** For metrics: from a closed set. */
  readonly name: string;
  readonly path: string;
  /** By method, in upper case; `OPTIONS` is answered for every route. */
  readonly handlers: Readonly<Record<string, (exchange: Exchange) => void>>;
}

export interface RouteMatch {
  readonly route: Route;
  /** For `Allow`. */
  readonly allow: string;
}

/** Exact paths; a slash at the end is another path. */
export class RouteTable {
  readonly #byPath = new Map<string, RouteMatch>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#byPath.set(route.path, { route, allow: [...Object.keys(route.handlers), 'OPTIONS'].join(', ') });
  }

  find(path: string): RouteMatch | null {
    return this.#byPath.get(path) ?? null;
  }
}
