import { integer, list, text } from './option.js';

const template = /^[^\p{Cc}{}]*\{user\}[^\p{Cc}{}]*\{channel\}[^\p{Cc}{}]*$/u;

/** What may be published over HTTP, and how. */
export const publishOptions = {
  eventsMax: integer({ default: 100, min: 1, max: 1_000, sentence: 'Most events of one publish.' }),
  userChannel: text({
    default: 'user.{user}.{channel}',
    pattern: template,
    shape: 'a channel with {user} and {channel}, in this order',
    sentence: 'The channel of an event that names `user` and `channel`; both are percent-encoded as values of routes are.',
  }),
  broadcastChannel: text({
    default: 'broadcast',
    pattern: /^[^\p{Cc}]{1,255}$/u,
    shape: 'a channel',
    sentence: 'The channel of an event with `broadcast: true`.',
  }),
  cloudEventChannel: list({
    default: ['selvagechannel', 'subject'],
    pattern: /^[a-z0-9]{1,64}$/,
    shape: 'a name of a CloudEvents attribute: a-z 0-9',
    sentence: 'Attributes of a CloudEvent that name its channel; the first that is there counts.',
  }),
  idempotencySeconds: integer({
    default: 3_600,
    min: 1,
    max: 604_800,
    unit: 's',
    sentence: 'How long the answer to an `Idempotency-Key` is remembered: in Redis, or in memory when embedded.',
  }),
};
