import { closeCatalogue } from '../protocol/close-catalogue.js';
import { errorCatalogue } from '../protocol/error-catalogue.js';
import { channelBytesMax, gapReasons, typeBytesMax } from '../protocol/names.js';
import { positionBytesMax } from '../protocol/position.js';
import { attributeLengthMax, attributesMax } from '../publish/read-plain-event.js';
import type { JsonObject, Surface } from './surface.js';

export type SchemaName =
  | 'Problem'
  | 'Position'
  | 'PositionMoved'
  | 'Gap'
  | 'Close'
  | 'TokenRunsOut'
  | 'Envelope'
  | 'PollAnswer'
  | 'PublishEvent'
  | 'PublishBatch'
  | 'CloudEvent'
  | 'PublishResult'
  | 'PublishFault'
  | 'PublishAnswer'
  | 'TicketRequest'
  | 'Ticket'
  | 'Renewal';

/** Both documents keep their schemas there. */
export const schemaRef = (name: SchemaName): JsonObject => ({ $ref: `#/components/schemas/${name}` });

const text = (description: string, more: JsonObject = {}): JsonObject => ({ type: 'string', description, ...more });
const object = (properties: JsonObject, required: readonly string[], more: JsonObject = {}): JsonObject => ({
  type: 'object',
  required,
  properties,
  ...more,
});
const milliseconds = (description: string): JsonObject => ({ type: 'integer', minimum: 0, description });

const channel = text(`1 to ${channelBytesMax} bytes of UTF-8 without control characters.`, { minLength: 1, maxLength: channelBytesMax });
const type = text(`1 to ${typeBytesMax} bytes without CR, LF and NUL, not beginning with "selvage.".`, {
  minLength: 1,
  maxLength: typeBytesMax,
  pattern: '^(?!selvage\\.)[^\\r\\n\\u0000]+$',
});
const anything = (description: string): JsonObject => ({ description });

const problem = object(
  {
    type: text('`urn:selvage:error:` and the code.'),
    title: text('A sentence on the code.'),
    status: { type: 'integer' },
    code: text('What programs go by.', { enum: Object.keys(errorCatalogue) }),
    detail: text('For people; may change.'),
    limit: { type: 'number', description: 'The bound that was passed.' },
    present: { type: 'number', description: 'What was asked for, or is there now.' },
  },
  ['type', 'title', 'status', 'code', 'detail'],
  { description: 'A refusal (RFC 9457).' },
);

const close: JsonObject = {
  description: 'The server ends the stream on purpose.',
  oneOf: Object.entries(closeCatalogue).map(([code, { reconnect, retryMs }]) =>
    object(
      {
        code: { const: code },
        reconnect: { const: reconnect },
        retryMs: milliseconds(`When to come back; spread around ${retryMs}, or what the stream has of its own.`),
      },
      ['code', 'reconnect', 'retryMs'],
      { title: code },
    ),
  ),
};

const gap = object(
  {
    reason: text('Why events may be missing.', { enum: [...gapReasons] }),
    from: { type: ['string', 'null'], description: 'The position behind which they may be missing; null: none that could be read.' },
    to: { ...positionSchema(), description: 'Where the stream goes on.' },
  },
  ['reason', 'from', 'to'],
);

function positionSchema(): JsonObject {
  return text('What a reader has had: kept and sent back as it is, never read, compared or changed.', {
    pattern: '^[A-Za-z0-9._~-]*$',
    maxLength: positionBytesMax,
  });
}

const envelope = object(
  {
    id: {
      ...positionSchema(),
      description: 'The position behind the event; in polls alone. An event without it is followed by another of its record.',
    },
    channel,
    channels: { type: 'array', items: channel, description: 'Where the event is in several of the channels that were asked for.' },
    type,
    time: text("The record's, in UTC.", { format: 'date-time' }),
    data: anything('The data itself where it is JSON, else a string of it.'),
  },
  ['channel', 'type', 'time', 'data'],
);

const publishEvent = object(
  {
    channel,
    user: text('Names, with `channel`, a channel of that user.', { minLength: 1, maxLength: channelBytesMax }),
    broadcast: { type: 'boolean', description: "Names everybody's channel; goes without `channel` and `user`." },
    type,
    data: anything('Any JSON; of a string, the text itself becomes the value.'),
    attributes: {
      type: 'object',
      description: 'For readers to filter by.',
      maxProperties: attributesMax,
      additionalProperties: { type: 'string', maxLength: attributeLengthMax },
    },
    key: text('For order, where every key leads to the channel.', { minLength: 1, maxLength: channelBytesMax }),
  },
  ['data'],
  {
    additionalProperties: false,
    anyOf: [{ required: ['channel'] }, { required: ['broadcast'], properties: { broadcast: { const: true } } }],
  },
);

const cloudEvent = object(
  {
    specversion: { const: '1.0' },
    id: text('Of the event.', { minLength: 1 }),
    source: text('Where it comes from.', { minLength: 1 }),
    type,
    subject: text('Names the channel where no attribute before it does.'),
    datacontenttype: text('Media type of the data.'),
    time: text('When it happened.', { format: 'date-time' }),
    data: anything('Any JSON.'),
    data_base64: text('Bytes of UTF-8 text, in base64; instead of `data`.', { contentEncoding: 'base64' }),
  },
  ['specversion', 'id', 'source', 'type'],
  { description: 'A CloudEvent 1.0 in JSON; extension attributes are further names of a-z and 0-9.' },
);

const publishResult = object(
  {
    position: { ...positionSchema(), description: 'A stream of the channel that is opened with it begins behind the event.' },
    partition: { type: 'integer', minimum: 0 },
    offset: text('64 bits wide, so as text.', { pattern: '^[0-9]+$' }),
  },
  ['position', 'partition', 'offset'],
);

const publishFault = object(
  {
    error: object(
      { code: text('As of a refusal.', { enum: Object.keys(errorCatalogue) }), detail: text('For people.'), status: { type: 'integer' } },
      ['code', 'detail', 'status'],
    ),
  },
  ['error'],
);

const channelList = (items: JsonObject, itemsMax: number): JsonObject => ({ type: 'array', items, minItems: 1, maxItems: itemsMax });

/** Every schema that both documents use, by name. */
export function componentSchemas({ publish, limits }: Surface): Readonly<Record<SchemaName, JsonObject>> {
  const batch = object(
    { events: { type: 'array', items: schemaRef('PublishEvent'), minItems: 1, maxItems: publish.eventsMax } },
    ['events'],
    {
      additionalProperties: false,
    },
  );
  const ticketFields = {
    channels: { ...channelList(channel, limits.channelsMax), description: 'Instead of `stream`.' },
    stream: text('The path of a named stream, instead of `channels`.', { pattern: '^/' }),
    origin: text("The page's origin, from a server that renders it.", { pattern: '^https?://[^/?#]+$' }),
  };
  return {
    Problem: problem,
    Position: positionSchema(),
    PositionMoved: object({}, [], { description: 'The position moved without an event: the `id` has it.' }),
    Gap: gap,
    Close: close,
    TokenRunsOut: object(
      { expiresInMs: milliseconds('Until the token runs out.'), stream: text('Its id, for `POST /v1/streams/{id}/token`.') },
      ['expiresInMs', 'stream'],
    ),
    Envelope: envelope,
    PollAnswer: object(
      {
        events: { type: 'array', items: schemaRef('Envelope') },
        position: { ...positionSchema(), description: 'What the next poll sends.' },
        gap: schemaRef('Gap'),
      },
      ['events', 'position'],
    ),
    PublishEvent: publishEvent,
    PublishBatch: batch,
    CloudEvent: cloudEvent,
    PublishResult: publishResult,
    PublishFault: publishFault,
    PublishAnswer: object(
      {
        results: {
          type: 'array',
          items: { anyOf: [schemaRef('PublishResult'), schemaRef('PublishFault')] },
          description: 'In the order of the request.',
        },
      },
      ['results'],
    ),
    TicketRequest: object(ticketFields, [], {
      additionalProperties: false,
      oneOf: [{ required: ['channels'] }, { required: ['stream'] }],
    }),
    Ticket: object(
      {
        ticket: text('For the parameter `ticket`.'),
        expiresInMs: milliseconds('How long it opens its stream.'),
        returnsForMs: milliseconds('How long it brings that stream back.'),
      },
      ['ticket', 'expiresInMs', 'returnsForMs'],
    ),
    Renewal: object(
      { expiresInMs: { type: ['integer', 'null'], minimum: 0, description: 'Until the fresh token runs out; null: never.' } },
      ['expiresInMs'],
    ),
  };
}
