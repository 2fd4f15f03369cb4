import { positionBytesMax } from '../protocol/position.js';
import { integer } from './option.js';

const bytes = 'bytes';
const seconds = 's';
const milliseconds = 'ms';
const mebibyte = 1_048_576;

/** What every stream is like. */
export const streamOptions = {
  keepAliveMs: integer({ default: 15_000, min: 100, max: 300_000, unit: milliseconds, sentence: 'Something is sent at least so often.' }),
  maxAgeSeconds: integer({
    default: 600,
    max: 604_800,
    unit: seconds,
    sentence: 'Streams end at 80 to 100 % of this, to rebalance nodes; 0: never.',
  }),
  retryMs: integer({
    default: 2_000,
    min: 1,
    max: 3_600_000,
    unit: milliseconds,
    sentence: 'Base of the time after which clients reconnect; jittered per connection.',
  }),
  stallSeconds: integer({
    default: 120,
    min: 1,
    max: 86_400,
    unit: seconds,
    sentence: 'A reader whose socket takes nothing for so long is closed.',
  }),
  channelsMax: integer({ default: 64, min: 1, max: 1_000, sentence: 'Most channels of one stream.' }),
  positionBytesMax: integer({
    default: 512,
    min: 32,
    max: positionBytesMax,
    unit: bytes,
    sentence: 'Longest position; a wider subscription is refused or needs a route with `position: time`.',
  }),
  rewindMax: integer({ default: 1_000, sentence: 'Most events that `rewind=` may ask for; 0: none.' }),
  pollWaitSecondsMax: integer({ default: 25, max: 300, unit: seconds, sentence: 'Longest `wait=` of the polling fallback.' }),
  pollEventsMax: integer({ default: 1_000, min: 1, max: 100_000, sentence: 'Most events of one poll.' }),
};

/** What a request may be. */
export const limitsOptions = {
  headerBytesMax: integer({ default: 16_384, min: 1_024, max: 16_384, unit: bytes, sentence: 'Longest request line with its headers.' }),
  urlBytesMax: integer({ default: 8_192, min: 256, max: 16_384, unit: bytes, sentence: 'Longest address with its query.' }),
  bodyBytesMax: integer({ default: mebibyte, min: 1, max: 64 * mebibyte, unit: bytes, sentence: 'Longest body of a publish.' }),
  connectionsMax: integer({ default: 100_000, min: 1, sentence: 'Streams of a node at a time; more are told to back off.' }),
  eventBytesMax: integer({
    default: mebibyte,
    min: 1,
    max: 64 * mebibyte,
    unit: bytes,
    sentence: 'Longest value of a record; longer ones are dead letters.',
  }),
};

/** How a node goes. */
export const drainOptions = {
  balancerWaitSeconds: integer({
    default: 5,
    max: 600,
    unit: seconds,
    sentence: 'Time for the balancer to see that the node is not ready.',
  }),
  windowSeconds: integer({ default: 20, max: 3_600, unit: seconds, sentence: 'Time over which streams are closed at an even pace.' }),
};
