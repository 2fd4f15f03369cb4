import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The room that alone may import each package; the others meet it through that room's own words. */
const ownersOfPackages = {
  telemetry: [
    'prom-client',
    'pino',
    '@opentelemetry/api',
    '@opentelemetry/sdk-trace',
    '@opentelemetry/resources',
    '@opentelemetry/exporter-trace-otlp-http',
  ],
  redis: ['ioredis'],
  log: ['kafkajs', 'kafkajs-snappy', 'lz4-napi', '@bokuweb/zstd-wasm', 'aws-msk-iam-sasl-signer-js'],
  admission: ['jose'],
  http: ['uWebSockets.js'],
  config: ['zod', 'yaml'],
  client: ['react', 'vue'],
  cli: ['commander'],
};

/** Rooms that also run in a browser. */
const browserSafe = ['src/std/**', 'src/protocol/**', 'src/client/**'];

/** Rooms that the simulation drives: time and chance reach them as an `Environment` only. */
const pureRooms = ['protocol', 'routing', 'recent', 'hub', 'window', 'admission', 'subscribe', 'publish'].map((room) => `src/${room}/**`);

const passedIn = 'Time, timers and randomness are passed in: take an Environment (src/std/clock.ts).';

function onlyOwnPackages(room) {
  const foreign = Object.entries(ownersOfPackages).filter(([owner]) => owner !== room);
  const paths = foreign.flatMap(([owner, names]) => names.map((name) => ({ name, message: `Only src/${owner} imports it.` })));
  const isBrowserSafe = browserSafe.includes(`src/${room}/**`);
  const patterns = isBrowserSafe ? [{ group: ['node:*'], message: 'This room also runs in a browser.' }] : [];
  return ['error', { paths, patterns }];
}

const rooms = [...Object.keys(ownersOfPackages), 'std', 'protocol'];

export default defineConfig(
  { ignores: ['dist/', '.cache/', 'coverage/', 'node_modules/', 'deploy/*', '!deploy/dashboards/', 'helm/', 'loadtest/**/*.js'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-floating-promises': 'error',
      // An implementation of an asynchronous port need not wait for anything.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      // Wrong about fields that change across an await or a call.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { files: ['src/**/*.{ts,tsx}'], rules: { 'no-restricted-imports': onlyOwnPackages(undefined) } },
  ...rooms.map((room) => ({ files: [`src/${room}/**/*.{ts,tsx}`], rules: { 'no-restricted-imports': onlyOwnPackages(room) } })),
  {
    files: pureRooms,
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'performance'].map((name) => ({ name, message: passedIn })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: passedIn },
        { object: 'Math', property: 'random', message: passedIn },
      ],
    },
  },
  {
    // A test may take a shortcut that the type system cannot follow; it fails loudly when wrong.
    files: ['test/**/*.{ts,tsx}'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
