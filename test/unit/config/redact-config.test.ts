import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.js';
import { redactConfig } from '../../../src/config/redact-config.js';

test('a configuration is shown without its secrets, whichever way they came', () => {
  const env = {
    KAFKA_BROKERS: 'kafka:9092',
    REDIS_URL: 'rediss://user:hidden-1@redis:6379',
    SELVAGE_KAFKA_TLS_ENABLED: 'true',
    SELVAGE_KAFKA_SASL_MECHANISM: 'plain',
    SELVAGE_KAFKA_SASL_USERNAME: 'me',
    SELVAGE_KAFKA_SASL_PASSWORD_FILE: '/run/password',
    SELVAGE_JWT_SECRET: 'hidden-4-0123456789-0123456789-01',
    SELVAGE_ADMIN_TOKEN: 'hidden-3-0123456789',
  };
  const config = loadConfig(env, () => 'hidden-2\n', 'node-1');
  const text = JSON.stringify(redactConfig(config));
  expect(text).not.toContain('hidden');
  expect(JSON.parse(text)).toMatchObject({
    nodeId: 'node-1',
    redis: { url: '(secret)', password: null },
    kafka: { brokers: ['kafka:9092'], sasl: { username: 'me', password: '(secret)' } },
    admin: { token: '(secret)', hosts: [] },
    control: { topic: 'selvage.control' },
  });
  expect(config.admin.token).toContain('hidden-3');
  expect(JSON.stringify(config)).toContain('hidden-4');
});
