import { escapeJson, escapeText } from '../escape-text.js';
import type { Terminal } from '../terminal.js';
import type { Envelope } from './read-envelope.js';

export interface Gap {
  readonly reason: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Shows what a tail hears. Everything that others wrote is escaped here. */
export interface TailWriter {
  event(envelope: Envelope, id: string | null): Promise<void>;
  gap(gap: Gap): Promise<void>;
  position(id: string): Promise<void>;
  /** Connected; `after` is the position that was sent, null at a fresh start. */
  open(after: string | null): Promise<void>;
  drop(sentence: string, retryMs: number): Promise<void>;
  token(expiresInMs: number): Promise<void>;
  /** The end: why, and where one can go on. */
  end(code: string, sentence: string, position: string | null): Promise<void>;
}

/** Why events may be missing, for people. */
const gapReasons: Readonly<Record<string, string>> = {
  expired: 'what was asked for is older than what the log holds',
  trimmed: 'the window was cut and nothing else has the rest',
  compacted: 'the topic is compacted: the log does not prove what was there',
  'unknown-position': 'the position cannot be read, or does not speak of all partitions that it had to',
  'future-position': 'the position is beyond the end of the log',
  'other-cluster': 'the position is of another Kafka cluster',
  'too-far': 'reading so far back is over a bound of the node',
  'store-lost': 'a store lost what it held, or the topic was made again',
};

export function openTailWriter(terminal: Terminal, options: { readonly json?: true; readonly positions?: true }): TailWriter {
  return options.json ? jsonWriter(terminal, options.positions === true) : prettyWriter(terminal, options.positions === true);
}

function jsonWriter({ out }: Terminal, showsPositions: boolean): TailWriter {
  const line = (fields: object): Promise<void> => out.line(escapeJson(JSON.stringify(fields)));
  return {
    event: ({ channels, type, time, dataJson }, id) => {
      const [channel = null] = channels;
      const head = { kind: 'event', id, channel, ...(channels.length > 1 ? { channels } : {}), type, time };
      return out.line(`${escapeJson(JSON.stringify(head)).slice(0, -1)},"data":${escapeJson(dataJson)}}`);
    },
    gap: (gap) => line({ kind: 'gap', ...gap }),
    position: (id) => (showsPositions ? line({ kind: 'position', id }) : Promise.resolve()),
    open: (after) => line({ kind: 'open', after }),
    drop: (reason, retryMs) => line({ kind: 'drop', reason, retryMs: Math.round(retryMs) }),
    token: (expiresInMs) => line({ kind: 'token', expiresInMs }),
    end: (code, reason, position) => line({ kind: 'close', code, reason, position }),
  };
}

function prettyWriter({ out, err }: Terminal, showsPositions: boolean): TailWriter {
  const { paint } = out;
  const idText = (id: string | null): string => (showsPositions && id !== null ? `  ${paint.dim(escapeText(id))}` : '');
  return {
    event: ({ channels, type, time, dataJson }, id) => {
      const parts = [
        ...(time === null ? [] : [paint.dim(clockTime(time))]),
        ...(channels.length === 0 ? [] : [paint.cyan(channels.map(escapeText).join(','))]),
        paint.green(escapeText(type)),
        dataText(dataJson),
      ];
      return out.line(parts.join('  ') + idText(id));
    },
    gap: ({ reason, from, to }) => {
      const why = gapReasons[reason] ?? 'a reason that this version does not know';
      const between = `between ${from === null ? 'the beginning' : escapeText(from)} and ${to === null ? 'here' : escapeText(to)}`;
      return out.line(paint.yellow(`-- gap: events may be missing ${between}: ${escapeText(reason)} (${why})`));
    },
    position: (id) => (showsPositions ? out.line(paint.dim(`-- position ${escapeText(id)}`)) : Promise.resolve()),
    open: (after) => err.line(err.paint.dim(after === null ? '-- connected' : `-- connected, going on behind ${escapeText(after)}`)),
    drop: (sentence, retryMs) => err.line(err.paint.dim(`-- ${escapeText(sentence)}; coming back in ${(retryMs / 1_000).toFixed(1)} s`)),
    token: (expiresInMs) =>
      err.line(err.paint.yellow(`-- the token runs out in ${Math.round(expiresInMs / 1_000)} s; the stream ends then`)),
    end: (_, sentence, position) =>
      err.line(`-- ${escapeText(sentence)}${position === null ? '' : `\n-- last position: ${escapeText(position)}`}`),
  };
}

const clockTime = (time: string): string => {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? escapeText(time) : at.toISOString().slice(11, 23);
};

/** Text as text, all else as the JSON that it is. */
function dataText(dataJson: string): string {
  if (!dataJson.startsWith('"')) return escapeJson(dataJson);
  try {
    return escapeText(String(JSON.parse(dataJson)));
  } catch {
    return escapeText(dataJson);
  }
}
