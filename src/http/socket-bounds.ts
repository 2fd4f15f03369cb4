import { readFileSync } from 'node:fs';
import type { HttpOptions } from './http-options.js';

/** How many connections and streams there may be at a time. */
export interface SocketBounds {
  readonly socketsMax: number;
  readonly streamsMax: number;
  /** Fewer than was asked for: the process may not open so many files. */
  readonly isCut: boolean;
}

/** Behind the entrance of PROXY protocol a connection takes three: the client's, and both ends of the socket to the addon. */
const filesBehindEntrance = 3;
/** Files that are left to everything else: Kafka, Redis, keys, the inner port, programs that look in. */
const otherFilesMax = 256;

/**
 * At the limit nothing can be accepted, nor can Kafka be reached or a key be read: connections stay below it, and streams below them, so that who
 * comes too late is told so. `openFilesMax` null: not known, nothing is cut.
 */
export function boundSockets(
  options: Pick<HttpOptions, 'socketsMax' | 'streamsMax' | 'proxyProtocol'>,
  openFilesMax: number | null,
): SocketBounds {
  const { streamsMax } = options;
  const asked = options.socketsMax === 0 ? streamsMax + Math.ceil(streamsMax / 10) + 1_000 : options.socketsMax;
  if (openFilesMax === null) return { socketsMax: asked, streamsMax, isCut: false };
  const filesMax = openFilesMax - Math.min(otherFilesMax, Math.floor(openFilesMax / 2));
  const room = options.proxyProtocol ? Math.floor(filesMax / filesBehindEntrance) : filesMax;
  if (asked <= room) return { socketsMax: asked, streamsMax, isCut: false };
  return { socketsMax: room, streamsMax: Math.min(streamsMax, Math.floor(room * 0.9)), isCut: true };
}

/** How many files this process may have open, where the system tells (Linux); null: not known, or no limit. */
export function readOpenFilesMax(): number | null {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}
