import { frameDashboard } from './frame-dashboard.js';
import { series, stat } from './panels.js';
import { increase, of, quantile, rate } from './promql.js';

const overLimit = 'outcome!~"admitted|overlap"';

/** Who is turned away, and does somebody take more than their share? */
export const limitsAndAbuse = frameDashboard({
  uid: 'selvage-limits',
  description:
    'Who is turned away and why: limits, tokens, permissions. Users and tenants are in no label; `GET /v1/usage?top=20` on the admin port names those who use most.',
  sections: [
    {
      title: 'Is anybody turned away who should not be?',
      height: 4,
      width: 4,
      panels: [
        stat(
          {
            title: 'Over a limit',
            shows: 'Share of streams and polls asked for that a limit of a user, tenant or address refused.',
            normal: 'below 1 %. "none": nobody asked.',
            otherwise: '"Refused by limits" says which; `GET /v1/usage` says who.',
            alerts: ['SelvageLimitsRefusing'],
          },
          'percentunit',
          `sum(${rate('admissions', overLimit)}) / sum(${rate('admissions')})`,
          {
            limits: {
              steps: [
                [0.05, 'yellow'],
                [0.2, 'red'],
              ],
            },
            decimals: 2,
          },
        ),
        stat(
          {
            title: 'Fullest node',
            shows: 'Open streams of the fullest node, of those that it may have.',
            normal: 'below 70 %.',
            otherwise: 'at 100 % it refuses (`overloaded`): add edges. The bound is `limits.connectionsMax` or the limit of open files.',
            alerts: ['SelvageConnectionsNearLimit'],
          },
          'percentunit',
          `max(${of('connections')} / ${of('connectionsMax')})`,
          {
            limits: {
              steps: [
                [0.7, 'yellow'],
                [0.85, 'red'],
              ],
            },
            max: 1,
          },
        ),
        stat(
          {
            title: 'Nodes that count alone',
            shows: 'Nodes that hold limits for themselves which should hold over all nodes.',
            normal: '0.',
            otherwise: 'Redis is away: a user may have as many streams on each node. Streams go on.',
            alerts: ['SelvageRedisAway'],
          },
          'short',
          `sum(${of('limitsAlone')})`,
          { limits: { steps: [[1, 'yellow']] }, decimals: 0 },
        ),
        stat(
          {
            title: 'Tokens refused',
            shows: 'Share of tokens that were looked at and are not accepted: expired, forged, revoked.',
            normal: 'below 5 %; what your clients usually do.',
            otherwise: 'a jump: an issuer’s key or audience changed, a client does not renew, or somebody tries.',
            alerts: ['SelvageIdentityUnavailable'],
          },
          'percentunit',
          `sum(${rate('tokens', 'outcome="refused"')}) / sum(${rate('tokens')})`,
          {
            limits: {
              steps: [
                [0.1, 'yellow'],
                [0.5, 'red'],
              ],
            },
            decimals: 2,
          },
        ),
        stat(
          {
            title: 'Could not be decided',
            shows: 'Tokens that could not be verified and permissions that could not be asked, a second.',
            normal: '0.',
            otherwise: 'the identity provider or the permission hook is away. Known tokens and remembered permissions go on.',
            alerts: ['SelvageIdentityUnavailable', 'SelvagePermissionHookFailing'],
          },
          'cps',
          `sum(${rate('tokens', 'outcome="unavailable"')}) + sum(${rate('permissions', 'outcome="unavailable"')})`,
          {
            limits: {
              steps: [
                [0.01, 'yellow'],
                [1, 'red'],
              ],
            },
          },
        ),
        stat(
          {
            title: 'Revocations widened',
            shows:
              'Times in this span that all tokens issued until then were refused, because single revocations did not fit or could not be read.',
            normal: '0.',
            otherwise: 'everybody fetches a new token. Too many single revocations: revoke by subject, or shorten tokens.',
            alerts: ['SelvageRevocationsWidened'],
          },
          'short',
          `sum(${increase('revocationsWidened')})`,
          { limits: { steps: [[1, 'red']] }, decimals: 0 },
        ),
      ],
    },
    {
      title: 'Limits',
      height: 8,
      width: 12,
      panels: [
        series(
          {
            title: 'Refused by limits',
            shows: 'Streams and polls, and publishes, that a limit refused, by its name.',
            normal: 'little `user-streams` (many tabs).',
            otherwise:
              '`…-connects`: a client reconnects in a loop. `address-…`: one office behind NAT, or one attacker. `tenant-…`: a tenant has grown.',
            alerts: ['SelvageLimitsRefusing'],
          },
          'cps',
          [
            ['{{outcome}}', `sum by (outcome) (${rate('admissions', overLimit)})`],
            ['{{limit}}', `sum by (limit) (${rate('publishRefusals')})`],
          ],
        ),
        series(
          {
            title: 'Let in',
            shows:
              'Streams and polls admitted, those let in beside the one that they replace (`overlap`), and overlaps that were closed at the end of their time.',
            normal: 'few overlaps; nearly none closed.',
            otherwise:
              'many overlaps: users at their limit reconnect. Many closed: `limits.connectionsPerUserMax` is too low for how they work.',
          },
          'cps',
          [
            ['{{outcome}}', `sum by (outcome) (${rate('admissions', 'outcome=~"admitted|overlap"')})`],
            ['overlap, then {{outcome}}', `sum by (outcome) (${rate('overlapsJudged')})`],
          ],
        ),
        series(
          {
            title: 'Room for streams, by node',
            shows: 'Open streams of the bound of the node.',
            normal: 'even, and below 70 %.',
            otherwise: 'above the dashed line there is a ticket; at 100 % readers are told to come back later.',
            alerts: ['SelvageConnectionsNearLimit'],
          },
          'percentunit',
          [['{{instance}}', `sum by (instance) (${of('connections')}) / sum by (instance) (${of('connectionsMax')})`]],
          { max: 1, limits: { steps: [[0.85, 'orange']] } },
        ),
        series(
          {
            title: 'Streams and places',
            shows: 'Open streams, the places that nodes hold for them in the limits, and streams whose peer takes no bytes.',
            normal: 'places follow the streams of known users and addresses.',
            otherwise:
              'places above streams for long: places are not given back. Many that take no bytes: slow networks, or somebody who opens and does not read.',
            alerts: ['SelvageSlowReaders'],
          },
          'short',
          [
            ['open streams', `sum(${of('connections')})`],
            ['places held', `sum(${of('leasesHeld')})`],
            ['take no bytes', `sum(${of('connectionsStalled')})`],
          ],
          { decimals: 0 },
        ),
      ],
    },
    {
      title: 'Tokens, tickets and permissions',
      height: 8,
      width: 8,
      panels: [
        series(
          {
            title: 'Tokens',
            shows: 'Tokens looked at: known (`cached`), `verified`, `refused`, or `unavailable` when no key could be had.',
            normal: 'mostly `cached`.',
            otherwise: '`refused` jumps: compare issuer, audience and keys with what the log lines say.',
            alerts: ['SelvageIdentityUnavailable'],
          },
          'cps',
          [['{{outcome}}', `sum by (outcome) (${rate('tokens')})`]],
          { isStacked: true },
        ),
        series(
          {
            title: 'Tickets',
            shows: 'Tickets presented: for the first time, again (a stream that came back), refused, or not decided.',
            normal: '`again` after reconnects; few `refused`.',
            otherwise: '`refused`: older than 30 s when first used, or another address. `unavailable`: Redis.',
          },
          'cps',
          [['{{outcome}}', `sum by (outcome) (${rate('tickets')})`]],
          { isStacked: true },
        ),
        series(
          {
            title: 'Permission hook',
            shows: 'Permissions that an application decides, by what came of it.',
            normal: 'mostly `remembered`, `shared` and `allowed`.',
            otherwise: '`unavailable`: the hook fails or is slow (right): those streams are told to come back.',
            alerts: ['SelvagePermissionHookFailing'],
          },
          'cps',
          [['{{outcome}}', `sum by (outcome) (${rate('permissions')})`]],
          { isStacked: true },
        ),
        series(
          {
            title: 'Age of key sets, by issuer',
            shows: 'Oldest key set of an issuer on any node, and five times what it should be, from which there is a ticket.',
            normal: 'below the usual time between fetches.',
            otherwise: 'the issuer’s key server is away. Its keys are believed until `auth.jwksStaleSecondsMax`.',
            alerts: ['SelvageKeysStale'],
          },
          's',
          [
            ['{{issuer}}', `max by (issuer) (${of('keysAge')})`],
            ['{{issuer}}: too old', `5 * max by (issuer) (${of('keysRefresh')})`],
          ],
        ),
        series(
          {
            title: 'Fetches of keys',
            shows: 'Looks for newer keys, by issuer and by what came of it.',
            normal: '`same`; `changed` when keys are rotated.',
            otherwise: '`failed`: the issuer’s key server, a proxy, or a file that cannot be read.',
            alerts: ['SelvageKeysStale'],
          },
          'cps',
          [['{{issuer}}: {{outcome}}', `sum by (issuer, outcome) (${rate('keyRefreshes')})`]],
        ),
        series(
          {
            title: 'Time of the permission hook',
            shows: 'Time of a question to the application, to its answer or failure.',
            normal: 'p99 below 250 ms.',
            otherwise: 'streams begin that much later; past its time-out they are told to come back.',
            alerts: ['SelvagePermissionHookFailing'],
          },
          's',
          [
            ['median', quantile(0.5, 'permissionHook')],
            ['p99', quantile(0.99, 'permissionHook')],
          ],
        ),
      ],
    },
    {
      title: 'Errors',
      height: 8,
      width: 24,
      panels: [
        series(
          {
            title: 'Requests answered with an error',
            shows:
              'Requests by route and status from 400 on. A native EventSource gets most refusals as 200: those are in "Streams refused, by code" of the Overview.',
            normal: 'little 401, 404, 429; no 5xx.',
            otherwise:
              '404 on no route: somebody scans. 401 and 403: a client’s tokens. 431 and 414: a client’s headers or addresses. 5xx: the fabric.',
            alerts: ['SelvageConnectsFailing'],
            more: ['selvage-overview'],
          },
          'reqps',
          [['{{route}} {{status}}', `topk(15, sum by (route, status) (${rate('requests', 'status=~"[45].."')}) > 0)`]],
        ),
      ],
    },
    {
      title: 'Revocations and other commands to all nodes',
      height: 8,
      width: 8,
      panels: [
        series(
          {
            title: 'Commands to all nodes',
            shows: 'Disconnects, renewals and evictions through the control topic, by what became of them.',
            normal: 'a `sent` is `applied` once on every edge.',
            otherwise:
              '`failed`, `invalid`: a command did not take effect everywhere; the log lines say which. `unknown`: an older node in a roll-out.',
            alerts: ['SelvageControlCommandsFailing'],
          },
          'cps',
          [['{{kind}}: {{outcome}}', `sum by (kind, outcome) (${rate('controlCommands')}) > 0`]],
        ),
        series(
          {
            title: 'Time until a command arrives',
            shows: 'From its sending to its arrival at a node.',
            normal: 'p99 below 100 ms.',
            otherwise: 'a revoked reader stays connected for so long: Kafka, or the event loops of the nodes.',
            alerts: ['SelvageControlLagging'],
            more: ['selvage-log', 'selvage-process'],
          },
          's',
          [
            ['median', quantile(0.5, 'controlDelay')],
            ['p99', quantile(0.99, 'controlDelay')],
          ],
        ),
        series(
          {
            title: 'Revocations in memory',
            shows:
              'Revoked tokens and subjects that a node holds, and records of the control topic that starting nodes have still to read before they are ready.',
            normal: 'the same on every edge; nothing unread but in the first seconds of a node.',
            otherwise: 'unread for long: the control topic is long or Kafka slow, and the node stays not ready.',
            alerts: ['SelvageControlLagging', 'SelvageRevocationsWidened'],
          },
          'short',
          [
            ['{{instance}}', `max by (instance) (${of('revocations')})`],
            ['{{instance}}: unread', `max by (instance) (${of('controlUnread')}) > 0`],
          ],
          { decimals: 0 },
        ),
      ],
    },
  ],
});
