/** An event in `format=envelope`. */
export interface Envelope {
  /** Those that were asked for; empty: the stream did not say. */
  readonly channels: readonly string[];
  readonly type: string;
  /** ISO 8601; null: the stream did not say. */
  readonly time: string | null;
  /** JSON as it was written, digits and spaces included. */
  readonly dataJson: string;
}

/**
 * Reads an envelope. What is none (greetings and heartbeats of named streams are not) is data of its own: JSON, else text.
 */
export function readEnvelope(type: string, text: string): Envelope {
  const value = parse(text);
  if (value === undefined) return { channels: [], type, time: null, dataJson: JSON.stringify(text) };
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { channel, channels, type: ownType, time, data } = value as Record<string, unknown>;
    // `data` is the last member and nothing before it is nested: a quote inside a text would have a backslash before it.
    const at = text.indexOf(',"data":');
    if (typeof channel === 'string' && typeof ownType === 'string' && typeof time === 'string' && data !== undefined && at > 0) {
      const all = Array.isArray(channels) ? channels.filter((one) => typeof one === 'string') : [channel];
      return { channels: all, type: ownType, time, dataJson: text.slice(at + ',"data":'.length, -1) };
    }
  }
  return { channels: [], type, time: null, dataJson: text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
