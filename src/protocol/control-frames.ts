const textEncoder = new TextEncoder();

/** The keep-alive: a comment with no blank line after it, which would wake `@microsoft/fetch-event-source`. */
export const keepAliveFrame: Uint8Array = textEncoder.encode(':\n');

/** The reconnection time of this connection, and nothing else; the head of every stream. */
export function encodeRetry(retryMs: number): Uint8Array {
  return textEncoder.encode(`retry: ${Math.round(retryMs)}\n`);
}

/**
 * One event of the fabric itself. `id`, when there is one, is the last line: a client that dies inside the frame must not have taken the
 * position without the event.
 */
export function encodeControl(type: string, data: object, id?: string): Uint8Array {
  return textEncoder.encode(`event: ${type}\ndata: ${JSON.stringify(data)}\n${id === undefined ? '' : `id: ${id}\n`}\n`);
}
