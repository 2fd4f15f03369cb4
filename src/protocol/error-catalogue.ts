/** Every refusal by HTTP: code → status and the title of its problem+json. The `type` is `urn:selvage:error:<code>`. */
export const errorCatalogue = {
  'unknown-parameter': { status: 400, title: 'A query parameter is not known here' },
  'invalid-parameter': { status: 400, title: 'A query parameter has a value that cannot be used' },
  'missing-channel': { status: 400, title: 'No channel was named' },
  'invalid-channel': { status: 400, title: 'A channel name cannot be used' },
  'too-many-channels': { status: 400, title: 'Too many channels for one stream' },
  'subscription-too-wide': { status: 400, title: 'The position of this subscription would be too long' },
  'unroutable-channel': { status: 404, title: 'No route can produce this channel' },
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'method-not-allowed': { status: 405, title: 'This method is not served here' },
  'not-acceptable': { status: 406, title: 'None of the accepted media types can be served' },
  'body-timeout': { status: 408, title: 'The body did not arrive in time' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'The body has a media type that is not read here' },
  'invalid-event': { status: 422, title: 'The event cannot be published' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'The server failed' },
  'log-unavailable': { status: 503, title: 'The log does not answer' },
  'not-ready': { status: 503, title: 'This node is not ready' },
  overloaded: { status: 503, title: 'This node has too much to do' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorCatalogue;
