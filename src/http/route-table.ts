import { decodePathSegment, isAmbiguous, parseUrlShape, type UrlShape } from '../protocol/url-shape.js';
import type { Exchange } from './exchange.js';

/** One address and what is served there. */
export interface Route {
  /** For metrics: from a closed set. */
  readonly name: string;
  /** A path, or a shape with `{name}` for values. */
  readonly path: string;
  /** By method, in upper case; `OPTIONS` is answered for every route. */
  readonly handlers: Readonly<Record<string, (exchange: Exchange) => void>>;
}

export interface RouteMatch {
  readonly route: Route;
  /** For `Allow`. */
  readonly allow: string;
  /** Values of the shape's parameters, decoded once. */
  readonly pathParameters: Readonly<Record<string, string>>;
}

interface Leaf {
  readonly shape: UrlShape;
  readonly match: RouteMatch;
}

/** What may follow at one place of a path. */
interface Branch {
  readonly literals: Map<string, Branch>;
  value: Branch | null;
  leaf: Leaf | null;
}

const newBranch = (): Branch => ({ literals: new Map(), value: null, leaf: null });
const noParameters: Readonly<Record<string, string>> = {};

/**
 * Paths as they are written (`/v1/%65vents` is another); a slash at the end is another path. A literal goes before a value. Throws when two shapes
 * fit one path and nothing says which is meant.
 */
export class RouteTable {
  readonly routes: readonly Route[];
  readonly #root = newBranch();
  /** Shapes without values: most requests. */
  readonly #byPath = new Map<string, RouteMatch>();

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    const shapes: UrlShape[] = [];
    for (const route of routes) {
      const shape = parseUrlShape(route.path);
      if ('problem' in shape) throw new Error(`the path ${route.path} ${shape.problem}`);
      const other = shapes.find((earlier) => isAmbiguous(earlier, shape));
      if (other !== undefined) throw new Error(`the path ${route.path} can be the same as ${other.text}`);
      shapes.push(shape);
      this.#add(shape, { route, allow: [...Object.keys(route.handlers), 'OPTIONS'].join(', '), pathParameters: noParameters });
    }
  }

  find(path: string): RouteMatch | null {
    const exact = this.#byPath.get(path);
    if (exact !== undefined) return exact;
    if (!path.startsWith('/')) return null;
    const segments = path.slice(1).split('/');
    const leaf = findLeaf(this.#root, segments, 0);
    if (leaf === null) return null;
    const pathParameters: Record<string, string> = {};
    for (const [i, { parameter }] of leaf.shape.segments.entries()) {
      if (parameter !== null) pathParameters[parameter] = decodePathSegment(segments[i] ?? '') ?? '';
    }
    return { ...leaf.match, pathParameters };
  }

  #add(shape: UrlShape, match: RouteMatch): void {
    if (shape.parameters.length === 0) this.#byPath.set(shape.text, match);
    let branch = this.#root;
    for (const { text, parameter } of shape.segments) {
      let next = parameter === null ? branch.literals.get(text) : branch.value;
      if (next === undefined || next === null) {
        next = newBranch();
        if (parameter === null) branch.literals.set(text, next);
        else branch.value = next;
      }
      branch = next;
    }
    branch.leaf = { shape, match };
  }
}

/** As deep as the shapes are, and no wider than there are shapes. */
function findLeaf(branch: Branch, segments: readonly string[], at: number): Leaf | null {
  if (at === segments.length) return branch.leaf;
  const segment = segments[at] as string;
  const literal = branch.literals.get(segment);
  const found = literal === undefined ? null : findLeaf(literal, segments, at + 1);
  if (found !== null || branch.value === null) return found;
  return decodePathSegment(segment) === undefined ? null : findLeaf(branch.value, segments, at + 1);
}
