import { integer, list, optionalText, text } from './option.js';

/** What nodes tell each other: streams to end, tokens to refuse, streams that go on with a fresh token. */
export const controlOptions = {
  topic: text({
    default: { sentence: '`<group>.control`', derive: ({ group }) => `${group}.control` },
    pattern: /^[A-Za-z0-9._-]{1,249}$/,
    shape: 'the name of a Kafka topic',
    sentence: 'Topic by which nodes tell each other what to end and what to refuse. Whoever may write to it may end streams.',
  }),
  revocationsMax: integer({
    default: 100_000,
    min: 100,
    max: 10_000_000,
    sentence: 'Most revocations held; past it everything issued before the oldest of them is refused.',
  }),
  readBackRecordsMax: integer({
    default: 1_000_000,
    min: 1_000,
    sentence:
      'Most records of the control topic that are read at start; what was issued before the oldest of them is refused when there are more.',
  }),
};

/** The inner port. */
export const adminOptions = {
  token: optionalText({
    secret: true,
    pattern: /^[\x21-\x7e]{16,512}$/,
    shape: '16 to 512 visible ASCII characters',
    sentence: 'Bearer secret that `/v1/*` of the admin port asks for. Absent: whoever reaches the port may use it.',
  }),
  hosts: list({
    default: [],
    pattern: /^[A-Za-z0-9.-]{1,253}$/,
    shape: 'a host name without a port',
    sentence:
      'Names under which `/v1/*` of the admin port may be asked, besides addresses, names without a dot and names inside the cluster. A name from outside could be a page that points its own name here.',
  }),
};
