import { readFileSync } from 'node:fs';
import mskSigner from 'aws-msk-iam-sasl-signer-js';
import type { SASLOptions } from 'kafkajs';
import type { Clock } from '../../std/clock.js';
import { LogError } from '../event-log.js';
import type { KafkaSaslOptions } from './kafka-connection.js';
import { OauthTokens } from './oauth-tokens.js';

/** kafkajs' SASL options; secrets in files are read again at each authentication. */
export function makeSasl(options: KafkaSaslOptions, clock: Clock): SASLOptions {
  switch (options.mechanism) {
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512':
      return {
        mechanism: options.mechanism,
        username: options.username,
        // kafkajs reads it anew whenever it authenticates.
        get password() {
          return secretOf('password', options.password, options.passwordFile);
        },
      };
    case 'oauthbearer': {
      const secret = () => secretOf('client secret', options.clientSecret, options.clientSecretFile);
      const tokens = new OauthTokens(options, secret, clock);
      return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await tokens.current() }) };
    }
    case 'aws-msk-iam':
      return {
        mechanism: 'oauthbearer',
        oauthBearerProvider: async () => ({ value: (await mskSigner.generateAuthToken({ region: options.region })).token }),
      };
  }
}

function secretOf(what: string, text: string | undefined, path: string | undefined): string {
  if (text !== undefined) return text;
  if (path === undefined) throw new LogError(`Kafka: the SASL ${what} is missing`, false);
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
}
