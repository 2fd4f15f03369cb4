/** A query parameter of streams and polls, declared once: reading, refusing by name and the documents follow from it. */
export interface StreamParameter {
  /** `every`: of all streams. `open`: of those that name their channels, and of named streams whose configuration lets it in. */
  readonly of: 'every' | 'open';
  /** May be given several times. */
  readonly isRepeated: boolean;
  readonly sentence: string;
}

const positionSentence = 'A position, for clients that cannot set `Last-Event-ID`, which goes first. Of several the last counts.';

export const streamParameters = {
  channel: { of: 'open', isRepeated: true, sentence: 'One channel, exactly as it is written; it may hold commas.' },
  channels: { of: 'open', isRepeated: true, sentence: 'Channels, separated by commas.' },
  type: {
    of: 'open',
    isRepeated: true,
    sentence: 'Event types, separated by commas; others are filtered out. `message` is the type of events without one.',
  },
  until: { of: 'open', isRepeated: true, sentence: 'Terminal types, separated by commas: the first event of one of them ends the stream.' },
  since: {
    of: 'open',
    isRepeated: false,
    sentence:
      'Where to begin without a position: a time in ISO 8601, milliseconds since 1970, or a duration back from now such as `30s`, `5m`, `2h` or `1d`.',
  },
  rewind: { of: 'open', isRepeated: false, sentence: 'Without a position: how many of the newest events of each channel to begin with.' },
  format: {
    of: 'every',
    isRepeated: false,
    sentence: '`plain`: the data as it is. `envelope`: with channel, type and time around it. `json`: a poll instead of a stream.',
  },
  wait: { of: 'every', isRepeated: false, sentence: 'Seconds that a poll may wait for its first event; 0: it does not.' },
  lastEventId: { of: 'every', isRepeated: true, sentence: positionSentence },
  last_event_id: { of: 'every', isRepeated: true, sentence: positionSentence },
  lastEventID: { of: 'every', isRepeated: true, sentence: positionSentence },
} as const satisfies Record<string, StreamParameter>;

export type StreamParameterName = keyof typeof streamParameters;

const namesOf = (of: StreamParameter['of']): readonly string[] =>
  Object.entries(streamParameters).flatMap(([name, parameter]) => (parameter.of === of ? [name] : []));

/** What every stream takes. */
export const commonParameters = namesOf('every');
/** What a request that names its channels takes besides. */
export const openParameters = namesOf('open');

/** Spellings of the last position in the query, in the order of preference after the `Last-Event-ID` header. */
export const positionParameters = ['lastEventId', 'last_event_id', 'lastEventID'] as const satisfies readonly StreamParameterName[];

/** Values of `format`. */
export const streamFormats = ['plain', 'envelope', 'json'] as const;
