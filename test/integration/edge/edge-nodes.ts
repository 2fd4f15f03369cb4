import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { SelvageNode } from '../../platform/selvage-node.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';

export const jwtSecret = 'the edge has a secret of more than thirty-two bytes';

/** No address or user is slowed by accident: tests of rates say otherwise. */
const calm = { SELVAGE_LIMITS_CONNECTS_PER_MINUTE_PER_USER: '0' };

export interface EdgeOptions {
  /** Default: the shared one. */
  readonly redisUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface EdgeServers {
  readonly KAFKA_BROKERS: string;
  readonly REDIS_URL: string;
  readonly SELVAGE_REDIS_PREFIX: string;
}

/** Settings of nodes that belong together: closed to whoever has no token, logging all they can. */
export function edgeEnv({ redisUrl, env }: EdgeOptions = {}): Readonly<Record<string, string>> & EdgeServers {
  return {
    HOST: '127.0.0.1',
    KAFKA_BROKERS: sharedKafka().brokers,
    REDIS_URL: redisUrl ?? sharedRedis().url,
    SELVAGE_GROUP: uniqueName('edge'),
    SELVAGE_REDIS_PREFIX: uniqueName('edge'),
    SELVAGE_JWT_SECRET: jwtSecret,
    SELVAGE_AUTH_ANONYMOUS_READ: '',
    SELVAGE_AUTH_ANONYMOUS_PUBLISH: '',
    SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '0',
    SELVAGE_DRAIN_WINDOW_SECONDS: '1',
    LOG_LEVEL: 'debug',
    SELVAGE_STREAM_RETRY_MS: '100',
    ...calm,
    ...env,
  };
}

/** Two nodes of one deployment. */
export async function startTwo(options: EdgeOptions = {}): Promise<[SelvageNode, SelvageNode]> {
  const env = edgeEnv(options);
  return Promise.all([SelvageNode.start({ env }), SelvageNode.start({ env })]);
}

export interface TokenOptions {
  readonly read?: readonly string[];
  readonly publish?: readonly string[];
  /** From now; default 600. */
  readonly seconds?: number;
  readonly id?: string;
  readonly tenant?: string;
}

/** A token of the subject, which may read and publish everything unless told. */
export function tokenOf(
  subject: string,
  { read = ['**'], publish = ['**'], seconds = 600, id, tenant }: TokenOptions = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ selvage: { read, publish }, ...(tenant === undefined ? {} : { tenant }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setJti(id ?? randomBytes(8).toString('hex'))
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(new TextEncoder().encode(jwtSecret));
}

/** What is written of a token or ticket where it must not be: the last part of it, which nothing else holds. */
export const secretPartOf = (token: string): string => token.slice(-24);
