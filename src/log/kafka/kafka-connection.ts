/** How to reach Kafka. Values ending in `…` "text or path": PEM text (begins with `-----`) or the path of a file, read again at each connect. */
export interface KafkaConnectionOptions {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Beginning of every client id, so that quotas and broker logs can tell who asks. Default `selvage`. */
  readonly clientIdPrefix?: string;
  /** TLS; `{}` trusts the public authorities. Absent: no TLS. */
  readonly tls?: KafkaTlsOptions;
  readonly sasl?: KafkaSaslOptions;
  /** Zone of this node: fetches go to a follower in the same zone where brokers allow it (KIP-392). */
  readonly rackId?: string;
  /** Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** Longest wait for an answer, fetches apart. Default 10,000. */
  readonly requestTimeoutMs?: number;
}

export interface KafkaTlsOptions {
  /** Authorities to trust: PEM text or path. */
  readonly ca?: string;
  /** Own certificate: PEM text or path. */
  readonly cert?: string;
  /** Own key: PEM text or path. */
  readonly key?: string;
  /** Name that the broker's certificate must have. Default: the host. */
  readonly serverName?: string;
  /** False: brokers whose certificate cannot be verified are taken too; for tests only. Default true. */
  readonly rejectUnauthorized?: boolean;
}

/** Secrets are given as text or as the path of a file (`passwordFile`), which is read again at each authentication. */
export type KafkaSaslOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password?: string;
      readonly passwordFile?: string;
    }
  | {
      /** Client credentials (RFC 6749 §4.4). The token is kept until shortly before it runs out. */
      readonly mechanism: 'oauthbearer';
      readonly tokenEndpoint: string;
      readonly clientId: string;
      readonly clientSecret?: string;
      readonly clientSecretFile?: string;
      readonly scope?: string;
    }
  | {
      /** IAM of Amazon MSK, with the default chain of credentials. */
      readonly mechanism: 'aws-msk-iam';
      readonly region: string;
    };
