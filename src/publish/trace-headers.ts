const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x21-\x7e]*)?$/;
const traceparentLengthMax = 256;
const tracestateLengthMax = 512;
const tracestate = /^[\x20-\x7e]+$/;

/** The trace context of a request (W3C Trace Context) as record headers; nothing of what is malformed, as the specification asks. */
export function traceHeaders(headers: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const parent = headers.get('traceparent') ?? '';
  const match = parent.length <= traceparentLengthMax ? traceparent.exec(parent) : null;
  if (match === null) return {};
  const [, version, traceId, parentId, rest] = match;
  const isSound =
    version !== 'ff' && !(version === '00' && rest !== undefined) && !/^0+$/.test(traceId ?? '') && !/^0+$/.test(parentId ?? '');
  if (!isSound) return {};
  const state = headers.get('tracestate') ?? '';
  return { traceparent: parent, ...(state.length <= tracestateLengthMax && tracestate.test(state) ? { tracestate: state } : {}) };
}
