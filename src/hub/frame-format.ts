import { encodeControl } from '../protocol/control-frames.js';
import { decodeEventData } from '../protocol/event-body-codec.js';
import type { ChunkWriter } from '../protocol/chunk-writer.js';
import type { RoutedEvent } from '../routing/routed-event.js';

/** How events become bytes for one reader. */
export interface FrameFormat {
  readonly name: 'plain' | 'envelope' | 'json';
  /** Appends one event. `channels` are those that the reader asked for; `id` is null on all but the last event of a record. */
  event(out: ChunkWriter, event: RoutedEvent, channels: readonly string[], id: string | null): void;
  /** Appends one event of the fabric's own. */
  control(out: ChunkWriter, type: string, data: object, id: string | null): void;
  /** Appends an event of the stream itself that a reader takes for one of the channel's: its time-out, its error. It names no channel. */
  own(out: ChunkWriter, type: string, data: object, timeMs: number, id: string): void;
}

/** The frame as encoded once, with the id behind it. */
export const plainFormat: FrameFormat = {
  name: 'plain',
  event(out, event, _channels, id) {
    out.append(event.body.bytes);
    out.endFrame(id);
  },
  control: appendControl,
  own: (out, type, data, _timeMs, id) => appendControl(out, type, data, id),
};

const ownEnvelope = (type: string, data: object, timeMs: number): object => ({ type, time: new Date(timeMs).toISOString(), data });

function appendControl(out: ChunkWriter, type: string, data: object, id: string | null): void {
  out.append(encodeControl(type, data, id ?? undefined));
}

const textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
const textEncoder = new TextEncoder();

/** The data as JSON text: as it is when it is JSON (a byte order mark before it is dropped), else as a JSON string. */
function dataAsJson(event: RoutedEvent): string {
  const text = textDecoder.decode(decodeEventData(event.body));
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  try {
    JSON.parse(json);
    return json.replaceAll('\n', ' ');
  } catch {
    return JSON.stringify(text);
  }
}

/** `{channel,channels?,type,time,data}`: `channels` only when the record is in several of the asked ones. */
function envelopeOf(event: RoutedEvent, channels: readonly string[]): string {
  const [first = ''] = channels;
  const several = channels.length > 1 ? `,"channels":${JSON.stringify(channels)}` : '';
  const time = JSON.stringify(new Date(event.timestampMs).toISOString());
  return `"channel":${JSON.stringify(first)}${several},"type":${JSON.stringify(event.type)},"time":${time},"data":${dataAsJson(event)}`;
}

/** Remembers what was encoded for an event and the channels asked for: many readers ask for the same. */
type EncodedEnvelopes = WeakMap<RoutedEvent, Map<string, Uint8Array>>;

/** Data in an envelope, so that several channels on one stream can be told apart. One format object serves a node. */
export function createEnvelopeFormat(): FrameFormat {
  const encoded: EncodedEnvelopes = new WeakMap();
  const bytesOf = (event: RoutedEvent, channels: readonly string[]): Uint8Array => {
    let byChannels = encoded.get(event);
    if (byChannels === undefined) encoded.set(event, (byChannels = new Map<string, Uint8Array>()));
    const key = channels.join('\n');
    let bytes = byChannels.get(key);
    if (bytes === undefined) {
      const type = event.type === 'message' ? '' : `event: ${event.type}\n`;
      bytes = textEncoder.encode(`${type}data: {${envelopeOf(event, channels)}}\n`);
      byChannels.set(key, bytes);
    }
    return bytes;
  };
  return {
    name: 'envelope',
    event(out, event, channels, id) {
      out.append(bytesOf(event, channels));
      out.endFrame(id);
    },
    control: appendControl,
    own: (out, type, data, timeMs, id) => appendControl(out, type, ownEnvelope(type, data, timeMs), id),
  };
}

/** One JSON object a line, for the polling answer: `e` an event, `c` a control event. */
export const jsonLinesFormat: FrameFormat = {
  name: 'json',
  event(out, event, channels, id) {
    const idText = id === null ? '' : `"id":${JSON.stringify(id)},`;
    out.append(textEncoder.encode(`e{${idText}${envelopeOf(event, channels)}}\n`));
  },
  control(out, type, data, id) {
    out.append(textEncoder.encode(`c${JSON.stringify({ type, data, id })}\n`));
  },
  own(out, type, data, timeMs, id) {
    out.append(textEncoder.encode(`e${JSON.stringify({ id, ...ownEnvelope(type, data, timeMs) })}\n`));
  },
};
