import { parseTraceparent } from '../telemetry/trace-context.js';

const tracestateLengthMax = 512;
const tracestate = /^[\x20-\x7e]+$/;

/** The trace context of a request (W3C Trace Context) as record headers; nothing of what is malformed, as the specification asks. */
export function traceHeaders(headers: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const traceparent = headers.get('traceparent') ?? '';
  if (parseTraceparent(traceparent) === null) return {};
  const state = headers.get('tracestate') ?? '';
  return { traceparent, ...(state.length <= tracestateLengthMax && tracestate.test(state) ? { tracestate: state } : {}) };
}
