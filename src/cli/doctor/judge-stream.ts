import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';
import type { Probe } from './probe-stream.js';

/** Head to first frame: the node writes both at once. */
const heldMsMax = 2_000;
const clockSkewMsWarn = 3_000;
/** Keep-alives are this late at most on a quiet network. One is left out where something was sent since the last, so two intervals may pass in silence. */
const lateMsMax = 5_000;

const mendBuffering =
  'switch response buffering off for streams: nginx proxy_buffering off (or leave X-Accel-Buffering alone), no caching, no compression';
const mendTimeouts =
  'raise idle and route time-outs over the keep-alive: nginx proxy_read_timeout 60s, HAProxy timeout server, Envoy route timeout 0s, Gateway API timeouts.request 0s, ALB idle_timeout';

/** What the beginning of a stream shows; `isStream` false: there is none to look at further. */
export function judgeBegin(
  probe: Probe,
  { requestId, channel }: { readonly requestId: string; readonly channel: string },
): { readonly findings: readonly Finding[]; readonly isStream: boolean } {
  const text = probe.chunks.map((chunk) => chunk.text).join('');
  if (probe.error !== null) return nothing(fail(`it cannot be reached: ${probe.error}`, 'see --url, DNS and the listener in front'));
  if (probe.headMs === null)
    return nothing(fail('no answer within 10 s: something in front holds the stream back, or no node answers', mendBuffering));
  if (probe.status !== 200) return nothing(judgeRefusal(probe.status ?? 0, text, channel));
  const type = probe.headers['content-type'] ?? '';
  if (!type.startsWith('text/event-stream'))
    return nothing(fail(`the answer is ${type || 'of no type'}, not an event stream`, 'see --url: is this address that of nodes?'));
  if (text.includes('event: selvage.close')) {
    const code = /"code":"([^"]*)"/.exec(text)?.[1] ?? 'unknown';
    return nothing(fail(`the stream was closed at once: ${code}`, 'see readiness of the nodes and the limits of this user'));
  }
  return { findings: [judgeHeld(probe), ...judgeHeaders(probe, requestId), ...judgeClock(probe)], isStream: true };
}

const nothing = (finding: Finding): { readonly findings: readonly Finding[]; readonly isStream: false } => ({
  findings: [finding],
  isStream: false,
});

function judgeRefusal(status: number, text: string, channel: string): Finding {
  const detail = /"detail":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? '';
  const what = `a stream of the channel ${channel} is answered ${status}${detail === '' ? '' : ` (${detail})`}`;
  if (status === 401 || status === 403) return fail(what, 'give a token that may read it: --token-file, --channel');
  if (status === 404) return fail(what, 'give a channel that a route makes: --channel; or see the base path in --url');
  return fail(what, status >= 500 ? 'see whether nodes are ready behind what stands in front' : null);
}

function judgeHeld({ headMs, chunks }: Probe): Finding {
  const [first] = chunks;
  if (first === undefined || headMs === null) return fail('the head came and no frame: something in front buffers streams', mendBuffering);
  const heldMs = first.atMs - headMs;
  const what = `the first frame came ${Math.round(heldMs)} ms behind the head, ${Math.round(first.atMs)} ms after the request`;
  return heldMs > heldMsMax ? fail(`${what}: something in front buffers`, mendBuffering) : ok(what);
}

function judgeHeaders({ headers }: Probe, requestId: string): readonly Finding[] {
  const findings: Finding[] = [];
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    findings.push(
      fail(
        `something in front compresses streams (${encoding})`,
        'leave text/event-stream out: frames are held back, and lengths give content away',
      ),
    );
  const cache = headers['cache-control'] ?? '';
  if (!/no-store/.test(cache))
    findings.push(
      fail(`Cache-Control does not come through (${cache || 'absent'})`, 'something in front may cache streams: let it pass the header on'),
    );
  else if (!/no-transform/.test(cache))
    findings.push(
      warn(
        `no-transform is gone from Cache-Control (${cache})`,
        'let what stands in front pass it on, so that nothing behind it compresses',
      ),
    );
  if (headers['x-request-id'] !== requestId)
    findings.push(
      warn(
        'X-Request-Id does not come back as it was sent',
        'lines of nodes cannot be found by the ids of clients; some proxies make their own',
      ),
    );
  return findings.length > 0 ? findings : [ok('headers come through, and nothing compresses')];
}

function judgeClock({ headers }: Probe): readonly Finding[] {
  const date = Date.parse(headers.date ?? '');
  if (Number.isNaN(date)) return [];
  // The header has whole seconds.
  const skewMs = Math.max(0, Math.abs(Date.now() - date) - 1_000);
  return skewMs < clockSkewMsWarn
    ? []
    : [warn(`its clock and this machine's differ by ${Math.round(skewMs / 1_000)} s (Date)`, 'set both by NTP')];
}

/** Whether a stream that nothing happens on is kept, and its keep-alives come when they are sent. */
export function judgeHold({ chunks, endedMs, error }: Probe, keepAliveMs: number, holdMs: number): readonly Finding[] {
  const silenceMsMax = 2 * keepAliveMs + lateMsMax;
  if (error !== null) return [fail(`a second stream cannot be opened: ${error}`, null)];
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  if (endedMs !== null) {
    const text = chunks.map((chunk) => chunk.text).join('');
    const code = /event: selvage\.close\ndata: \{"code":"([^"]*)"/.exec(text)?.[1];
    if (code !== undefined) return [warn(`the stream was closed by the node after ${seconds(endedMs)}: ${code}`, 'look again')];
    return [fail(`the stream was cut after ${seconds(endedMs)}, and not by the node`, mendTimeouts)];
  }
  const times = [0, ...chunks.map(({ atMs }) => atMs)];
  const pauses = times.slice(1).map((atMs, i) => atMs - (times[i] ?? 0));
  const longest = Math.max(0, ...pauses);
  if (chunks.length < 2 && holdMs < silenceMsMax)
    return [ok(`a quiet stream is kept for ${seconds(holdMs)}`, `hold it for ${seconds(silenceMsMax)} to see keep-alives: --hold`)];
  if (chunks.length < 2)
    return [fail(`no keep-alive came within ${seconds(holdMs)}: something in front holds small writes back`, mendBuffering)];
  if (longest > silenceMsMax)
    return [fail(`keep-alives come late: ${seconds(longest)} without one, every ${seconds(keepAliveMs)} is sent`, mendBuffering)];
  return [ok(`a quiet stream is kept, and keep-alives come: ${seconds(longest)} was the longest silence`)];
}
