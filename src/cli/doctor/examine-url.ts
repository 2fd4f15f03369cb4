import { randomBytes } from 'node:crypto';
import type { Config } from '../../config/config.js';
import { reasonOf } from '../command-context.js';
import { postEvents } from '../publish/post-events.js';
import { openRemote } from '../remote.js';
import type { Remote } from '../remote.js';
import { readPeerCertificate } from './dial.js';
import { examineCertificate } from './examine-certificates.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';
import { judgeBegin, judgeHold } from './judge-stream.js';
import { probeStream, probeStreamHttp2 } from './probe-stream.js';
import type { Probe } from './probe-stream.js';
import type { DoctorOptions } from './doctor-options.js';

/** The first frames are sent at once; proxies that hold answers back hold them for longer. */
const firstFrameMsMax = 10_000;
const slackMs = 5_000;
const arrivalMsMax = 15_000;
/** A request line that no packet holds whole. */
const longBytes = 3_000;

/** The way from here through whatever stands in front, to a stream and back. */
export async function examineUrl(
  config: Config,
  options: DoctorOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> {
  const remote = openRemote(options, env);
  const url = `${remote.baseUrl}/v1/events?${new URLSearchParams({ channel: options.channel }).toString()}`;
  const headers = { ...remote.headers(), Accept: 'text/event-stream', 'Accept-Encoding': 'gzip, br' };
  const secured = await examineTransport(remote.baseUrl, url, headers);
  const requestId = `doctor-${randomBytes(8).toString('hex')}`;
  const begin = await probeStream({ url, headers: { ...headers, 'X-Request-Id': requestId }, forMs: firstFrameMsMax, isEnough: hasFrame });
  const { findings, isStream } = judgeBegin(begin, { requestId, channel: options.channel });
  if (!isStream) return [...secured, ...findings];
  const holdMs = holdMsOf(options, config);
  return [
    ...secured,
    ...findings,
    await examineResume(url, headers),
    await examineLongAddress(url, headers),
    ...(options.publish ? [await examineArrival(remote, url, headers, options.channel)] : []),
    ...judgeHold(await probeStream({ url, headers, forMs: holdMs }), config.stream.keepAliveMs, holdMs),
  ];
}

const holdMsOf = ({ hold }: DoctorOptions, { stream }: Config): number =>
  hold === undefined ? 2 * stream.keepAliveMs + slackMs : hold * 1_000;
/** The first frame, whole: a position or a gap. */
const hasFrame = (text: string): boolean => /\nid: [^\n]+\n\n/.test(text) || text.includes('selvage.close');
const textOf = ({ chunks }: Probe): string => chunks.map(({ text }) => text).join('');

async function examineTransport(baseUrl: string, url: string, headers: Readonly<Record<string, string>>): Promise<readonly Finding[]> {
  const { protocol, hostname, port } = new URL(baseUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') {
    const isLocal = /^(127\.|localhost$|::1$)/.test(host);
    const what = 'it is not encrypted, and browsers hold six streams a host over HTTP/1.1';
    return isLocal ? [ok(`${what} (a local address)`)] : [warn(what, 'TLS with HTTP/2 in front; tokens travel in clear otherwise')];
  }
  const peer = await readPeerCertificate(host, Number(port || 443), { protocols: ['h2', 'http/1.1'] });
  if (typeof peer === 'string') return [fail(`no TLS at ${host}: ${peer}`, 'see the listener of what stands in front')];
  const problem =
    peer.problem === null
      ? []
      : [
          fail(
            `its certificate is not believed: ${peer.problem}`,
            'send the whole chain, for this name (NODE_EXTRA_CA_CERTS adds an authority here)',
          ),
        ];
  const certificate = examineCertificate('public address', peer.certificate);
  if (peer.protocol !== 'h2')
    return [...problem, certificate, warn('HTTP/2 is not offered: browsers hold six streams a host', 'switch it on in front')];
  if (problem.length > 0) return [...problem, certificate, ok('HTTP/2 is offered')];
  const probe = await probeStreamHttp2({ url, headers, forMs: firstFrameMsMax, isEnough: hasFrame });
  const isFine = probe.status !== 200 || hasFrame(textOf(probe));
  const http2 = isFine
    ? ok('HTTP/2 is offered, and streams come through it')
    : fail('a stream over HTTP/2 brought no frame within 10 s', 'see buffering in front');
  return [certificate, http2];
}

/** A position that is none is told as a gap: then the header came through. */
async function examineResume(url: string, headers: Readonly<Record<string, string>>): Promise<Finding> {
  const probe = await probeStream({ url, headers: { ...headers, 'Last-Event-ID': 'doctor' }, forMs: firstFrameMsMax, isEnough: hasFrame });
  const text = textOf(probe);
  if (text.includes('unknown-position')) return ok('Last-Event-ID comes through: readers resume');
  if (probe.status !== 200)
    return warn(`Last-Event-ID could not be tried: the second stream was answered ${probe.status ?? probe.error ?? 'nothing'}`, null);
  if (text.includes('selvage.close'))
    return warn('Last-Event-ID could not be tried: the second stream was closed at once', 'see the limits of this user');
  return fail(
    'Last-Event-ID does not come through: after each drop readers miss what was sent meanwhile',
    'let the proxy pass the header on',
  );
}

/** 505 is what the node answers to a request line in two pieces; a proxy that sends it whole keeps browsers from that. */
async function examineLongAddress(url: string, headers: Readonly<Record<string, string>>): Promise<Finding> {
  const { status } = await probeStream({
    url: `${url}&pad=${'x'.repeat(longBytes)}`,
    headers,
    forMs: firstFrameMsMax,
    isEnough: () => true,
  });
  // The parameter is refused by name: the address was read.
  if (status === 400 || status === 200) return ok(`addresses of ${longBytes} bytes come through`);
  const what = `an address of ${longBytes} bytes is answered ${status ?? 'nothing'}`;
  if (status === 505) return warn(what, 'put a proxy in front that sends heads whole (nginx, HAProxy, Envoy), or TLS on the node');
  return warn(what, 'see the bounds of heads in front; many channels make long addresses');
}

async function examineArrival(remote: Remote, url: string, headers: Readonly<Record<string, string>>, channel: string): Promise<Finding> {
  const mark = randomBytes(8).toString('hex');
  let sentMs = 0;
  const outcome: { refusal: string | null } = { refusal: null };
  let isSent = false;
  const probe = await probeStream({
    url,
    headers,
    forMs: arrivalMsMax,
    isEnough: (text) => {
      if (!isSent && hasFrame(text)) {
        isSent = true;
        sentMs = performance.now();
        void postEvents(remote, [{ channel, type: 'selvage-doctor', data: mark }], null)
          .catch((error: unknown) => ({ kind: 'refused' as const, sentence: reasonOf(error) }))
          .then((answer) => {
            if (answer.kind === 'refused') outcome.refusal = answer.sentence;
            else for (const one of answer.results) if (one.kind === 'failed') outcome.refusal = one.sentence;
          });
      }
      return outcome.refusal !== null || text.includes(mark);
    },
  });
  if (textOf(probe).includes(mark)) {
    const tookMs = Math.round(performance.now() - sentMs);
    return tookMs < 2_000
      ? ok(`a published event arrives ${tookMs} ms after the publish began`)
      : warn(`a published event took ${tookMs} ms to arrive`, 'see selvage lag, and buffering in front');
  }
  if (outcome.refusal !== null)
    return fail(`the event could not be published: ${outcome.refusal}`, 'see --channel and --token: publishing needs a grant of its own');
  return fail(
    `a published event did not arrive within ${arrivalMsMax / 1_000} s`,
    'see buffering in front, selvage lag, and whether the channel is routed',
  );
}
