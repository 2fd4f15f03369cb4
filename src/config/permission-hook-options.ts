import { integer, optionalText } from './option.js';

const milliseconds = 'ms';
const seconds = 's';

/** Whom to ask for permissions that a token cannot carry (`permission: hook` of a stream). */
export const permissionHookOptions = {
  url: optionalText({
    pattern: /^https?:\/\/[^\s@#]+$/,
    shape: 'an http or https URL without a user and without a fragment',
    sentence: 'Asked with POST whether a caller may read a stream; absent: no stream may have `permission: hook`.',
  }),
  secret: optionalText({
    secret: true,
    pattern: /^[\x21-\x7e]{1,4096}$/,
    shape: 'printable ASCII without blanks',
    sentence: 'Sent as `Authorization: Bearer …`, so that the other side knows who asks.',
  }),
  timeoutMs: integer({
    default: 2_000,
    min: 10,
    max: 30_000,
    unit: milliseconds,
    sentence: 'An answer that is not whole by then is none.',
  }),
  allowSeconds: integer({ default: 30, max: 3_600, unit: seconds, sentence: 'How long a yes is remembered; 0: not at all.' }),
  denySeconds: integer({ default: 5, max: 3_600, unit: seconds, sentence: 'How long a no, and an unknown, is remembered; 0: not at all.' }),
  rememberedMax: integer({ default: 50_000, min: 1, max: 10_000_000, sentence: 'Answers remembered.' }),
  concurrentMax: integer({ default: 32, min: 1, max: 1_000, sentence: 'Questions under way at a time.' }),
  queuedMax: integer({ default: 1_000, sentence: 'Questions that may wait; more are told to come back.' }),
  failuresMax: integer({ default: 5, min: 1, max: 1_000, sentence: 'After so many failures in a row it is left alone for a while.' }),
};
