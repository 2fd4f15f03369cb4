import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { Route } from '../routing/route.js';
import type { OptionValues } from './options.js';

/** What named streams promise together with routes and options. `streams[i]` is the i-th of the configuration. */
export function checkStreams(
  { auth, stream: { channelsMax, rewindMax } }: Pick<OptionValues, 'auth' | 'stream'>,
  routes: readonly Route[],
  streams: readonly NamedStream[],
  report: (path: string, message: string) => void,
): void {
  for (const [i, stream] of streams.entries()) {
    const path = `streams[${i}]`;
    if (stream.permission === 'hook' && auth.permissionHook.url === null) {
      report(`${path}.permission`, 'is hook, but auth.permissionHook.url is not set: there is nobody to ask');
    }
    if (stream.hasState && routes.every((route) => route.latest === null)) {
      report(`${path}.state`, 'is latest, but no route keeps its latest events (latest)');
    }
    if (stream.channels.length > channelsMax) report(`${path}.channels`, `has more than stream.channelsMax (${channelsMax})`);
    if (stream.rewind?.kind === 'count' && stream.rewind.count > rewindMax) {
      report(`${path}.rewind`, `is more than stream.rewindMax (${rewindMax})`);
    }
  }
}
