import { choice, integer, list } from './option.js';

const seconds = 's';

const rate = (sentence: string, value = 0) => integer({ default: value, max: 60_000_000, sentence: `${sentence}; 0: any number.` });
const burst = (of: string, value: number) =>
  integer({ default: value, min: 1, max: 1_000_000, sentence: `So many of \`limits.${of}\` may come at once.` });

/** How much anybody may have; part of the section `limits`. */
export const budgetOptions = {
  connectionsPerUserMax: integer({
    env: 'SELVAGE_MAX_CONNECTIONS_PER_USER',
    default: 5,
    max: 1_000,
    sentence: 'Streams of a user at a time, over all nodes that share a Redis (else on each node); 0: any number.',
  }),
  connectionsPerTenantMax: integer({
    default: 0,
    max: 10_000_000,
    sentence: 'Streams of all users of a tenant at a time, counted likewise; 0: any number.',
  }),
  connectionsPerAddressMax: integer({
    default: 0,
    max: 1_000_000,
    sentence: 'Streams of an address at a time, on each node; many people share one behind NAT. 0: any number.',
  }),
  overLimit: choice({
    of: ['refuse-newest', 'close-oldest'],
    default: 'refuse-newest',
    sentence: 'What happens at `limits.connectionsPerUserMax`: the new stream is refused, or the oldest closed.',
  }),
  overlapSeconds: integer({
    default: 20,
    min: 16,
    max: 300,
    unit: seconds,
    sentence: 'How long a stream that comes back may stand beside the one that it replaces when the user is at the limit.',
  }),
  connectsPerMinutePerUser: rate('Streams and polls that a user may begin in a minute', 60),
  connectBurstPerUser: burst('connectsPerMinutePerUser', 20),
  connectsPerMinutePerTenant: rate('Streams and polls that all users of a tenant may begin in a minute'),
  connectBurstPerTenant: burst('connectsPerMinutePerTenant', 1_000),
  connectsPerMinutePerAddress: rate(
    'Streams and polls that an address may begin in a minute on each node; many people share one behind NAT',
  ),
  connectBurstPerAddress: burst('connectsPerMinutePerAddress', 100),
  publishesPerMinutePerUser: rate('Events that a user may publish in a minute'),
  publishBurstPerUser: burst('publishesPerMinutePerUser', 1_000),
  publishesPerMinutePerTenant: rate('Events that all users of a tenant may publish in a minute'),
  publishBurstPerTenant: burst('publishesPerMinutePerTenant', 10_000),
  replayRecordsPerMinutePerUser: rate(
    'Offsets past `recent` that are looked through for a user in a minute on each node; over it replay waits',
  ),
  replayRecordsPerMinutePerTenant: rate('The same for all users of a tenant'),
  replayKilobytesPerMinutePerUser: rate('Kilobytes past `recent` that are read for a user in a minute on each node; over it replay waits'),
  replayKilobytesPerMinutePerTenant: rate('The same for all users of a tenant'),
  trustedProxies: list<string>({
    default: [],
    pattern: /^[0-9A-Fa-f:.]{2,45}(\/\d{1,3})?$/,
    shape: 'an address or a range such as 10.0.0.0/8',
    sentence: 'Balancers in front: their `X-Forwarded-For` tells the address of a client; nobody else is believed.',
  }),
  addressPrefixIpv6: integer({
    default: 64,
    min: 16,
    max: 128,
    sentence: 'IPv6 addresses that share so many first bits count as one: a network hands out whole ranges.',
  }),
};
