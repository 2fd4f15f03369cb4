import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KafkaCluster } from '../../platform/kafka-cluster.js';
import { makeRunFolder, removeRunFolder } from '../../platform/run-folder.js';
import { Authority, bundle } from './certificates.js';
import { audience, TokenEndpoint } from './token-endpoint.js';

type Env = Readonly<Record<string, string>>;

/** Users by mechanism. The last one may do only what ACLs allow; all others, and whoever comes without a name, may do everything. */
export const users = {
  plain: { username: 'plain-user', password: 'plain-password-17' },
  'scram-sha-256': { username: 'scram-256-user', password: 'scram-password-256' },
  'scram-sha-512': { username: 'scram-512-user', password: 'scram-password-512' },
} as const;
export const bounded = { username: 'bounded-user', password: 'bounded-password-33' } as const;

const security = 'org.apache.kafka.common.security';

/** One real broker that can be reached in every secured form: `TLS`, `MTLS` (client certificates required) and `SASL` over TLS with all mechanisms. */
export class SecuredKafka {
  /** What signed the broker's certificate, and signs those of clients. */
  readonly authority: Authority;
  /** An authority that nobody trusts. */
  readonly stranger: Authority;
  readonly tokens: TokenEndpoint;
  readonly cluster: KafkaCluster;
  readonly folder: string;

  private constructor(parts: Pick<SecuredKafka, 'authority' | 'stranger' | 'tokens' | 'cluster' | 'folder'>) {
    this.authority = parts.authority;
    this.stranger = parts.stranger;
    this.tokens = parts.tokens;
    this.cluster = parts.cluster;
    this.folder = parts.folder;
  }

  static async start(): Promise<SecuredKafka> {
    const folder = makeRunFolder('secured');
    const authority = new Authority(folder, 'authority');
    const stranger = new Authority(folder, 'stranger');
    const tokens = await TokenEndpoint.start();
    const jwksPath = join(folder, 'jwks.json');
    writeFileSync(jwksPath, tokens.jwks);
    const jwksUrl = `file://${jwksPath}`;
    const cluster = await KafkaCluster.start({
      listeners: { TLS: 'SSL', MTLS: 'SSL', SASL: 'SASL_SSL' },
      scramUsers: [
        scramUser('SCRAM-SHA-256', users['scram-sha-256']),
        scramUser('SCRAM-SHA-512', users['scram-sha-512']),
        scramUser('SCRAM-SHA-512', bounded),
      ],
      jvmFlags: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${jwksUrl}`],
      properties: { ...tlsProperties(authority), ...saslProperties(jwksUrl), ...authorizerProperties() },
    });
    return new SecuredKafka({ authority, stranger, tokens, cluster, folder });
  }

  /** Settings of a node that comes over TLS, trusting the broker's authority. */
  tls(listener: 'TLS' | 'MTLS'): Env {
    return { ...this.#encrypted, KAFKA_BROKERS: this.cluster.brokersOf(listener) };
  }

  sasl(mechanism: keyof typeof users, { username, password }: { username: string; password?: string }): Env {
    return {
      ...this.#encrypted,
      KAFKA_BROKERS: this.cluster.brokersOf('SASL'),
      SELVAGE_KAFKA_SASL_MECHANISM: mechanism,
      SELVAGE_KAFKA_SASL_USERNAME: username,
      ...(password !== undefined && { SELVAGE_KAFKA_SASL_PASSWORD: password }),
    };
  }

  oauth(clientSecret?: string): Env {
    return {
      ...this.#encrypted,
      KAFKA_BROKERS: this.cluster.brokersOf('SASL'),
      SELVAGE_KAFKA_SASL_MECHANISM: 'oauthbearer',
      SELVAGE_KAFKA_SASL_TOKEN_URL: this.tokens.url,
      SELVAGE_KAFKA_SASL_CLIENT_ID: this.tokens.clientId,
      SELVAGE_KAFKA_SASL_SCOPE: 'log',
      ...(clientSecret !== undefined && { SELVAGE_KAFKA_SASL_CLIENT_SECRET: clientSecret }),
    };
  }

  /** Writes a file of its own; its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  async close(): Promise<void> {
    this.tokens.close();
    await this.cluster.close();
    removeRunFolder(this.folder);
  }

  get #encrypted(): Env {
    return { SELVAGE_KAFKA_TLS_ENABLED: 'true', SELVAGE_KAFKA_TLS_CA_FILE: this.authority.cert };
  }
}

function scramUser(mechanism: string, { username, password }: { username: string; password: string }): string {
  return `${mechanism}=[name=${username},password=${password}]`;
}

function tlsProperties(authority: Authority): Env {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': bundle(authority.sign('broker')),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authority.cert,
    'listener.name.mtls.ssl.client.auth': 'required',
  };
}

function saslProperties(jwksUrl: string): Env {
  const { username, password } = users.plain;
  const on = 'listener.name.sasl';
  return {
    [`${on}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${on}.plain.sasl.jaas.config`]: `${security}.plain.PlainLoginModule required user_${username}="${password}";`,
    [`${on}.scram-sha-256.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${on}.scram-sha-512.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${on}.oauthbearer.sasl.jaas.config`]: `${security}.oauthbearer.OAuthBearerLoginModule required;`,
    [`${on}.oauthbearer.sasl.server.callback.handler.class`]: `${security}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    // Without it a connection would outlive its token.
    [`${on}.oauthbearer.connections.max.reauth.ms`]: '3600000',
    'sasl.oauthbearer.jwks.endpoint.url': jwksUrl,
    'sasl.oauthbearer.expected.audience': audience,
  };
}

function authorizerProperties(): Env {
  const free = [...Object.values(users).map(({ username }) => username), 'ANONYMOUS', 'oauth-user', 'CN=node'];
  return {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': free.map((name) => `User:${name}`).join(';'),
  };
}
