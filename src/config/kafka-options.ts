import { optionalChoice, optionalList, optionalText, text, yesNo } from './option.js';

const filePath = 'Path of a PEM file';

/** Where the log is, and how to get in. */
export const kafkaOptions = {
  brokers: optionalList({
    env: 'KAFKA_BROKERS',
    pattern: /^(\[[0-9A-Fa-f:.]+\]|[^:/\s]+):\d{1,5}$/,
    shape: 'host:port',
    sentence: 'Brokers to begin with. Absent: the log is memory of this process, for trying things out.',
  }),
  tls: {
    enabled: yesNo({ default: false, sentence: 'Speaks TLS to the brokers.' }),
    caFile: optionalText({ sentence: `${filePath} with the authorities to trust; absent: the public ones.` }),
    certFile: optionalText({ sentence: `${filePath} with this client's certificate, for mutual TLS.` }),
    keyFile: optionalText({ sentence: `${filePath} with the certificate's key.` }),
    rejectUnauthorized: yesNo({
      default: true,
      sentence: 'Refuses brokers whose certificate cannot be verified. Switch off in tests only.',
    }),
  },
  sasl: {
    mechanism: optionalChoice({
      of: ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'],
      sentence: 'How to authenticate; absent: not at all.',
    }),
    username: optionalText({ sentence: 'User of `plain` and `scram-*`.' }),
    password: optionalText({ secret: true, sentence: 'Password of `plain` and `scram-*`.' }),
    tokenUrl: optionalText({
      pattern: /^https?:\/\//,
      shape: 'an http(s) URL',
      sentence: 'Token endpoint of `oauthbearer` (client credentials).',
    }),
    clientId: optionalText({ sentence: 'Client of `oauthbearer`.' }),
    clientSecret: optionalText({ secret: true, sentence: 'Secret of `oauthbearer`.' }),
    scope: optionalText({ sentence: 'Scope to ask for with `oauthbearer`.' }),
    awsRegion: optionalText({ pattern: /^[a-z0-9-]+$/, shape: 'a region such as eu-central-1', sentence: 'Region of `aws-msk-iam`.' }),
  },
  rackId: optionalText({ sentence: 'Zone of this node: fetches go to a follower in it where the brokers allow that (KIP-392).' }),
  deadLetterTopic: text({
    default: { sentence: '`<group>.dead-letters`', derive: ({ group }) => `${group}.dead-letters` },
    pattern: /^[A-Za-z0-9._-]{1,249}$/,
    shape: 'the name of a Kafka topic',
    sentence: 'Where records go that cannot be decoded.',
  }),
};
