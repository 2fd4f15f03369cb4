import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OauthbearerProviderResponse, SASLOptions } from 'kafkajs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { kafkaConnectionOf } from '../../../src/compose-options.js';
import { isForbidden } from '../../../src/log/kafka/kafka-error.js';
import { makeSasl } from '../../../src/log/kafka/kafka-sasl.js';
import { load } from '../config/config-fixture.js';

const clock = { nowMs: () => 0, tickMs: () => 0 };

function tokenOf(sasl: SASLOptions): Promise<OauthbearerProviderResponse> {
  if (sasl.mechanism !== 'oauthbearer') throw new Error(`the mechanism is ${sasl.mechanism}`);
  return sasl.oauthBearerProvider();
}

test('IAM of Amazon MSK is OAUTHBEARER with a request signed by the credentials of the environment', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAFAKEFAKEFAKE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'fake-secret-access-key');
  vi.stubEnv('AWS_SESSION_TOKEN', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { value } = await tokenOf(makeSasl({ mechanism: 'aws-msk-iam', region: 'eu-central-1' }, clock));
  const signed = new URL(Buffer.from(value, 'base64url').toString());
  expect(signed.host).toBe('kafka.eu-central-1.amazonaws.com');
  expect(signed.searchParams.get('Action')).toBe('kafka-cluster:Connect');
  expect(signed.searchParams.get('X-Amz-Credential')).toMatch(/^AKIAFAKEFAKEFAKE\/\d{8}\/eu-central-1\/kafka-cluster\/aws4_request$/);
  expect(signed.searchParams.get('X-Amz-Signature')).toMatch(/^[0-9a-f]{64}$/);
  expect(signed.href).not.toContain('fake-secret-access-key');
});

test('a password from a file is handed on as the file, and read anew each time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selvage-sasl-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'password');
  const env = {
    KAFKA_BROKERS: 'kafka:9092',
    SELVAGE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    SELVAGE_KAFKA_SASL_USERNAME: 'user',
    SELVAGE_KAFKA_SASL_PASSWORD_FILE: path,
  };
  const { sasl } = kafkaConnectionOf(load({ env, files: { [path]: 'first' } }));
  expect(sasl).toEqual({ mechanism: 'scram-sha-512', username: 'user', passwordFile: path });
  const made = makeSasl(sasl!, clock) as { password: string };
  writeFileSync(path, 'first\n');
  expect(made.password).toBe('first');
  writeFileSync(path, 'second');
  expect(made.password).toBe('second');
});

test('a client secret from a file is handed on as the file, one from the environment as text; so is the zone', () => {
  const base = {
    KAFKA_BROKERS: 'kafka:9092',
    SELVAGE_KAFKA_RACK_ID: 'zone-b',
    SELVAGE_KAFKA_SASL_MECHANISM: 'oauthbearer',
    SELVAGE_KAFKA_SASL_TOKEN_URL: 'https://idp/token',
    SELVAGE_KAFKA_SASL_CLIENT_ID: 'client',
  };
  const common = { mechanism: 'oauthbearer', tokenEndpoint: 'https://idp/token', clientId: 'client' };
  const fromFile = kafkaConnectionOf(
    load({ env: { ...base, SELVAGE_KAFKA_SASL_CLIENT_SECRET_FILE: '/secret' }, files: { '/secret': 's' } }),
  );
  expect(fromFile.sasl).toEqual({ ...common, clientSecretFile: '/secret' });
  const fromText = kafkaConnectionOf(load({ env: { ...base, SELVAGE_KAFKA_SASL_CLIENT_SECRET: 's' } }));
  expect(fromText.sasl).toEqual({ ...common, clientSecret: 's' });
  expect(fromText.rackId).toBe('zone-b');
});

test('a refusal is known as one inside the aggregate that kafkajs makes of the topics of a request', () => {
  const refused = Object.assign(new Error('Topic authorization failed'), { type: 'TOPIC_AUTHORIZATION_FAILED' });
  expect(isForbidden(Object.assign(new Error('Topic creation errors'), { errors: [refused] }))).toBe(true);
  expect(isForbidden(Object.assign(new Error('Topic creation errors'), { errors: [new Error('other')] }))).toBe(false);
});
