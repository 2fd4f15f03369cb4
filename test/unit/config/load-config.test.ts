import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { load, messageOf, pathsOf } from './config-fixture.js';

const aliasBomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n`;
const kafka = { KAFKA_BROKERS: 'k1:9092' };
const kafkaAndRedis = { ...kafka, REDIS_URL: 'redis://r:6379' };

describe('defaults', () => {
  test('nothing configured: embedded, on loopback, with the default route', () => {
    const config = load({});
    expect(config).toMatchObject({
      roles: ['edge', 'indexer'],
      nodeId: 'node-1',
      group: 'selvage',
      host: '127.0.0.1',
      port: 8080,
      adminPort: 9090,
      basePath: '',
      logLevel: 'info',
      isEmbedded: true,
      kafka: { brokers: null, deadLetterTopic: 'selvage.dead-letters', sasl: { mechanism: null } },
      redis: { url: null, prefix: 'selvage' },
      cors: { origins: ['*'] },
      recent: { bytesMax: 268_435_456 },
    });
    expect(config.routes.map(({ topic, publish }) => [topic, publish])).toEqual([['selvage.events', true]]);
    expect(config.notices).toEqual([
      expect.stringContaining('nobody is asked who they are'),
      expect.stringContaining('kafka.brokers is not set'),
    ]);
  });

  test('with Kafka: on every address, no origins, names from the group', () => {
    const config = load({ env: { ...kafkaAndRedis, SELVAGE_GROUP: 'shop' } });
    expect(config).toMatchObject({
      host: '0.0.0.0',
      isEmbedded: false,
      kafka: { brokers: ['k1:9092'], deadLetterTopic: 'shop.dead-letters' },
      redis: { prefix: 'shop' },
      cors: { origins: [] },
      notices: [expect.stringContaining('nobody can read or publish')],
    });
  });

  test('Kafka without Redis is allowed and noticed', () => {
    expect(load({ env: kafka }).notices.join()).toContain('no replay window');
    expect(load({ env: { ...kafka, SELVAGE_ROLES: 'indexer' } }).notices.join()).toContain('nothing to write to');
  });

  test('the configuration cannot be changed', () => {
    const config = load({});
    expect(() => Object.assign(config.stream, { retryMs: 1 })).toThrow(TypeError);
    expect(() => (config.roles as string[]).push('x')).toThrow(TypeError);
  });
});

describe('sources', () => {
  test('the environment goes before the file, the file before defaults', () => {
    const yaml = 'window: { ageSeconds: 200, buckets: 4 }\ngroup: from-file\n';
    const config = load({ yaml, env: { ...kafka, SELVAGE_WINDOW_AGE_SECONDS: '250', SELVAGE_ROLES: ' edge , ' } });
    expect([config.window.ageSeconds, config.window.buckets, config.group, config.window.eventsPerChannelMax]).toEqual([
      250,
      4,
      'from-file',
      1_000,
    ]);
    expect(config.roles).toEqual(['edge']);
  });

  test('empty variables and names without value count as absent', () => {
    const config = load({ yaml: 'kafka:\nredis:\n  url:\nbasePath: ""\n', env: { PORT: '', KAFKA_BROKERS: '', SELVAGE_BASE_PATH: '' } });
    expect([config.port, config.isEmbedded, config.redis.url, config.basePath]).toEqual([8080, true, null, '']);
  });

  test('the example file works', () => {
    const yaml = readFileSync('deploy/examples/routes.yaml', 'utf8');
    expect(load({ yaml, env: kafkaAndRedis }).routes.map(({ topic }) => topic)).toEqual(['tasks', 'stages', 'shop.orders']);
  });

  test('secrets come from files, and it is known which', () => {
    const env = {
      ...kafka,
      REDIS_URL_FILE: '/run/redis-url',
      SELVAGE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      SELVAGE_KAFKA_SASL_USERNAME: 'u',
      SELVAGE_KAFKA_SASL_PASSWORD_FILE: '/run/password',
    };
    const config = load({ env, files: { '/run/redis-url': 'rediss://u:p@r:6380/1\n', '/run/password': ' two words \n' } });
    expect([config.redis.url, config.kafka.sasl.password]).toEqual(['rediss://u:p@r:6380/1', ' two words ']);
    expect(config.secretFiles).toEqual({ 'redis.url': '/run/redis-url', 'kafka.sasl.password': '/run/password' });
  });
});

describe('what is refused', () => {
  test('every problem at once, each named', () => {
    const yaml = `
window: { ageSecond: 5, buckets: 0 }
steam: {}
stream: 7
port: "80"
routes: [{ topic: a, channels: ["{oops}"] }]
`;
    const given = { yaml, env: { SELVAGE_REPLAY_PAGE_EVENTS_MAX: 'many', SELVAGE_WINDOW_AGE: '5', LOG_LEVEL: 'loud' } };
    expect(pathsOf(given)).toEqual([
      'window.ageSecond',
      'steam',
      'stream',
      'SELVAGE_WINDOW_AGE',
      'port',
      'logLevel',
      'window.buckets',
      'replay.pageEventsMax',
      'routes[0].channels[0]',
    ]);
    expect(messageOf(given, 'window.ageSecond')).toContain('did you mean ageSeconds?');
    expect(messageOf(given, 'SELVAGE_WINDOW_AGE')).toContain('did you mean SELVAGE_WINDOW_AGE_SECONDS?');
    expect(messageOf(given, 'steam')).toContain('did you mean stream?');
    expect(messageOf(given, 'replay.pageEventsMax')).toContain('SELVAGE_REPLAY_PAGE_EVENTS_MAX');
    expect(() => load(given)).toThrow(/window\.ageSecond: is not an option/);
  });

  test('variables that Kubernetes makes for a Service are not options, and are recognised where they collide with one', () => {
    const links = {
      SELVAGE_PORT: 'tcp://10.0.0.1:80',
      SELVAGE_SERVICE_HOST: '10.0.0.1',
      SELVAGE_SERVICE_PORT_HTTP: '80',
      SELVAGE_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(pathsOf({ env: links })).toEqual([]);
    expect(messageOf({ env: { SELVAGE_PORT: '80' } }, 'SELVAGE_PORT')).toContain('did you mean PORT?');
    expect(messageOf({ env: { ADMIN_PORT: 'tcp://10.0.0.1:80' } }, 'adminPort')).toContain('enableServiceLinks');
  });

  test('a file that cannot be read, or is not YAML, or holds no options', () => {
    expect(pathsOf({ env: { SELVAGE_CONFIG: 'missing.yaml' } })).toEqual(['SELVAGE_CONFIG']);
    for (const yaml of ['a: [', '- a\n', 'just text', 'group: a\ngroup: b\n', 'group: *unknown\n', aliasBomb])
      expect(pathsOf({ yaml })).toEqual(['selvage.yaml']);
    expect(pathsOf({ yaml: '__proto__: { port: 1 }\nconstructor: 1\n' })).toEqual(['__proto__', 'constructor']);
  });

  test('secrets are never quoted', () => {
    const env = { ...kafka, REDIS_URL: 'http://user:hunter2@r', SELVAGE_KAFKA_SASL_PASSWORD: 'hunter2' };
    expect(() => load({ env })).toThrow(/redis\.url/);
    expect(() => load({ env })).not.toThrow(/hunter2/);
    expect(pathsOf({ env: { ...kafka, REDIS_URL: 'redis://r', REDIS_URL_FILE: '/f' }, files: { '/f': 'redis://r' } })).toEqual([
      'redis.url',
    ]);
    expect(pathsOf({ env: { ...kafka, REDIS_URL_FILE: '/missing' } })).toEqual(['redis.url']);
  });

  test.each([
    ['recent.ageSeconds', { ...kafka, SELVAGE_RECENT_AGE_SECONDS: '32' }],
    ['window.ageSeconds', { SELVAGE_WINDOW_AGE_SECONDS: '60' }],
    ['redis.url', { REDIS_URL: 'redis://r' }],
    ['redis.password', { ...kafka, SELVAGE_REDIS_PASSWORD: 'x' }],
    ['http.proxyProtocol', { SELVAGE_HTTP_PROXY_PROTOCOL: 'true', SELVAGE_TLS_CERT_FILE: '/c', SELVAGE_TLS_KEY_FILE: '/k' }],
    ['redis.tls.caFile', { ...kafkaAndRedis, SELVAGE_REDIS_TLS_CA_FILE: '/ca' }],
    ['roles', { SELVAGE_ROLES: 'indexer' }],
    ['roles', { SELVAGE_ROLES: 'edge,edge' }],
    ['adminPort', { PORT: '9090' }],
    ['cors.origins', { SELVAGE_CORS_ORIGINS: '*,https://a.example' }],
    ['cors.origins', { SELVAGE_CORS_ORIGINS: 'https://a.example/path' }],
    ['stream.stallSeconds', { SELVAGE_STREAM_STALL_SECONDS: '15' }],
    ['kafka.rackId', { SELVAGE_KAFKA_RACK_ID: 'a' }],
    ['kafka.tls.caFile', { ...kafka, SELVAGE_KAFKA_TLS_CA_FILE: '/ca' }],
    ['kafka.tls.keyFile', { ...kafka, SELVAGE_KAFKA_TLS_ENABLED: 'true', SELVAGE_KAFKA_TLS_CERT_FILE: '/c' }],
    ['kafka.sasl.password', { ...kafka, SELVAGE_KAFKA_SASL_MECHANISM: 'plain', SELVAGE_KAFKA_SASL_USERNAME: 'u' }],
    ['kafka.sasl.username', { ...kafka, SELVAGE_KAFKA_SASL_USERNAME: 'u' }],
    ['kafka.tls.enabled', { ...kafka, SELVAGE_KAFKA_SASL_MECHANISM: 'aws-msk-iam', SELVAGE_KAFKA_SASL_AWS_REGION: 'eu-central-1' }],
    ['kafka.deadLetterTopic', { ...kafka, SELVAGE_KAFKA_DEAD_LETTER_TOPIC: 'selvage.events' }],
    ['kafka.brokers', { ...kafkaAndRedis, KAFKA_BROKERS: 'k1:9092,k2' }],
  ])('a contradiction is told at %s (%j)', (path, env) => {
    expect(pathsOf({ env })).toEqual([path]);
  });
});
