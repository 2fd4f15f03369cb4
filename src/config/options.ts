import { publishOptions } from './publish-options.js';
import { permissionHookOptions } from './permission-hook-options.js';
import { corsOptions, httpOptions, logOptions, tlsOptions } from './http-options.js';
import { adminOptions, controlOptions } from './control-options.js';
import { budgetOptions } from './budget-options.js';
import { authOptions } from './auth-options.js';
import { kafkaOptions } from './kafka-options.js';
import { choice, integer, list, text } from './option.js';
import type { ValuesOf } from './option.js';
import { drainOptions, limitsOptions, streamOptions } from './serving-options.js';
import { tracingOptions } from './tracing-options.js';
import { recentOptions, redisOptions, replayOptions, windowOptions } from './tier-options.js';

export const defaultGroup = 'selvage';

const group = text({
  default: defaultGroup,
  pattern: /^[A-Za-z0-9._-]{1,100}$/,
  shape: '1 to 100 of A-Z a-z 0-9 . _ -',
  sentence: 'Begins the names of consumer groups, client ids and keys: two fabrics on one Kafka or Redis have two groups.',
});

/** Every option of the program, in the order of the documentation. Paths in the file are those of this tree. */
export const options = {
  roles: list({ of: ['edge', 'indexer'], default: ['edge', 'indexer'], sentence: 'What this process does.' }),
  nodeId: text({
    default: { sentence: 'host name, process id and a random part', derive: ({ nodeId }) => nodeId },
    pattern: /^[A-Za-z0-9._-]{1,128}$/,
    shape: '1 to 128 of A-Z a-z 0-9 . _ -',
    sentence: 'Name of this process; no two running ones may share it.',
  }),
  group,
  host: text({
    env: 'HOST',
    default: { sentence: '`0.0.0.0`; `127.0.0.1` when embedded', derive: ({ isEmbedded }) => (isEmbedded ? '127.0.0.1' : '0.0.0.0') },
    pattern: /^[A-Za-z0-9.:_-]+$/,
    shape: 'an address or a host name',
    sentence: 'Address to listen on.',
  }),
  port: integer({ env: 'PORT', default: 8_080, max: 65_535, sentence: 'Port of the streams; 0: any free one.' }),
  adminPort: integer({ env: 'ADMIN_PORT', default: 9_090, max: 65_535, sentence: 'Port of health and metrics; 0: any free one.' }),
  basePath: text({
    default: '',
    pattern: /^(\/[A-Za-z0-9._~-]+)*$/,
    shape: 'empty or like /fabric, without a slash at the end',
    sentence: 'Put before every path.',
  }),
  logLevel: choice({
    env: 'LOG_LEVEL',
    of: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    sentence: 'Least severe line to write.',
  }),
  kafka: kafkaOptions,
  redis: redisOptions,
  window: windowOptions,
  recent: recentOptions,
  replay: replayOptions,
  stream: streamOptions,
  limits: { ...limitsOptions, ...budgetOptions },
  drain: drainOptions,
  publish: publishOptions,
  control: controlOptions,
  admin: adminOptions,
  cors: corsOptions,
  auth: { ...authOptions, permissionHook: permissionHookOptions },
  http: httpOptions,
  tls: tlsOptions,
  log: logOptions,
  tracing: tracingOptions,
};

export type OptionValues = ValuesOf<typeof options>;
