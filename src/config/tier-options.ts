import { integer, optionalText, text } from './option.js';

const mebibyte = 1_048_576;
const bytes = 'bytes';
const seconds = 's';
const milliseconds = 'ms';

/** Where the replay window is kept. */
export const redisOptions = {
  url: optionalText({
    env: 'REDIS_URL',
    secret: true,
    pattern: /^rediss?(\+(sentinel|cluster))?:\/\/[^\s]+$/,
    shape: 'redis://, rediss://, redis+sentinel://h1:p,h2:p/master or redis+cluster://h1:p,h2:p',
    sentence: 'Redis for the replay window. Absent: no window; what is past `recent` is read from the log.',
  }),
  tls: {
    caFile: optionalText({ sentence: 'Path of a PEM file with the authorities to trust; absent: the public ones.' }),
    certFile: optionalText({ sentence: "Path of a PEM file with this client's certificate." }),
    keyFile: optionalText({ sentence: "Path of a PEM file with the certificate's key." }),
  },
  username: optionalText({ sentence: 'ACL user; goes before the one in the URL.' }),
  password: optionalText({ secret: true, sentence: 'Password; goes before the one in the URL. A file is read again at each connect.' }),
  commandTimeoutMs: integer({
    default: 1_000,
    min: 10,
    max: 60_000,
    unit: milliseconds,
    sentence: 'A command without an answer fails after this.',
  }),
  prefix: text({
    default: { sentence: 'the group', derive: ({ group }) => group },
    pattern: /^[^{}\s\p{Cc}]{1,100}$/u,
    shape: '1 to 100 characters without braces, blanks or control characters',
    sentence: 'Begins every key.',
  }),
};

/** The last minutes, a channel at a time, in Redis. */
export const windowOptions = {
  ageSeconds: integer({ default: 300, min: 1, max: 86_400, unit: seconds, sentence: 'Everything younger is kept in the window.' }),
  eventsPerChannelMax: integer({ default: 1_000, min: 1, sentence: 'Most events of one channel and partition; older ones are trimmed.' }),
  buckets: integer({
    default: 1,
    min: 1,
    max: 256,
    sentence: 'Parts that channels are hashed into; each may live on another node of a Redis Cluster. A change starts an empty window.',
  }),
  deadLettersPerSecondMax: integer({
    default: 100,
    sentence: 'Most dead letters that a node writes in a second; 0: none, they are counted only.',
  }),
};

/** The last seconds, every channel, in memory of each edge. */
export const recentOptions = {
  ageSeconds: integer({ default: 60, min: 1, max: 86_400, unit: seconds, sentence: 'Events younger than this are kept in memory.' }),
  bytesMax: integer({
    default: 256 * mebibyte,
    min: mebibyte,
    max: 2 ** 40,
    unit: bytes,
    sentence: 'Most memory for them; the oldest go first.',
  }),
};

/** Bounds of reading the past. */
export const replayOptions = {
  pageEventsMax: integer({ default: 256, min: 1, max: 10_000, sentence: 'Most events of a page.' }),
  pageBytesMax: integer({ default: 262_144, min: 1_024, unit: bytes, sentence: 'A page stops after the event that passes this.' }),
  bytesMax: integer({
    default: 64 * mebibyte,
    min: 1_024,
    unit: bytes,
    sentence: 'Most bytes that one catch-up may take from the log; past it a gap is told.',
  }),
  timeMsMax: integer({
    default: 60_000,
    min: 100,
    unit: milliseconds,
    sentence: 'Longest time that one catch-up may read the log, waiting for the reader not counted; past it a gap is told.',
  }),
  concurrentMax: integer({ default: 64, min: 1, sentence: 'Page reads of a node at a time.' }),
  queuedMax: integer({ default: 20_000, sentence: 'Page reads that may wait for their turn; more are told to back off.' }),
  indexerWaitMs: integer({
    default: 500,
    max: 30_000,
    unit: milliseconds,
    sentence: 'How long a reader waits for the indexer before the log is read; 0: not at all.',
  }),
  scanRecordsMax: integer({
    default: 1_000_000,
    min: 1,
    sentence: 'Most offsets of the log that one catch-up may look through; past it a gap is told.',
  }),
};
