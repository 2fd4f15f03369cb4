/**
 * Which room of `src` may import which (type imports count). `std` may be imported by all; `event-log.ts`, `replay-window.ts` and `sink.ts` are the ports of their
 * rooms, the implementations beside them are chosen in `compose.ts` alone.
 */
const logPort = 'log/event-log';
const windowPort = 'window/replay-window';
const controlPort = 'control/control-command';
const sinkPort = 'hub/sink';
const mayImport = {
  std: [],
  protocol: ['std/'],
  telemetry: ['std/', 'protocol/'],
  redis: ['std/', 'telemetry/'],
  log: ['std/', 'protocol/', 'telemetry/'],
  routing: ['std/', 'protocol/'],
  recent: ['std/', 'protocol/', 'routing/'],
  window: ['std/', 'protocol/', 'routing/', logPort, 'redis/', 'telemetry/'],
  hub: ['std/', 'protocol/', 'routing/', 'recent/', 'telemetry/'],
  admission: ['std/', 'protocol/', 'redis/', 'telemetry/'],
  control: ['std/', 'protocol/', logPort, 'telemetry/'],
  subscribe: ['std/', 'protocol/', 'routing/', 'recent/', 'hub/', windowPort, logPort, 'admission/', controlPort, 'telemetry/'],
  publish: ['std/', 'protocol/', 'routing/', logPort, 'admission/', 'redis/', 'telemetry/'],
  http: ['std/', 'protocol/', sinkPort, 'admission/', controlPort, 'subscribe/', 'publish/', 'telemetry/'],
  describe: ['std/', 'protocol/', 'routing/', 'admission/', 'subscribe/', 'publish/', 'http/'],
  config: ['std/', 'protocol/', 'routing/', 'admission/(?!redis/|memory/)'],
  client: ['std/', 'protocol/'],
  producer: ['std/', 'protocol/', logPort, 'redis/'],
  connectors: ['std/', 'protocol/', logPort, 'redis/'],
  lifecycle: ['std/', 'telemetry/'],
};

const roomRules = Object.entries(mayImport).map(([room, targets]) => ({
  name: `room-${room}`,
  comment: `${room} may import only: ${targets.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [room + '/', ...targets].map((target) => `^src/${target}`) },
}));

export default {
  forbidden: [
    ...roomRules,
    {
      name: 'known-rooms',
      comment: 'A new room is added to the table above first.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [`^src/(${Object.keys(mayImport).join('|')}|cli)/`, '^src/(main|compose|compose-admission|compose-options)\\.ts$'],
      },
      to: {},
    },
    {
      name: 'chosen-in-compose',
      comment: 'Only compose.ts, main.ts and cli know which implementation of a port runs.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '^src/cli/' },
      to: { path: '^src/(log/(kafka|memory)|window/(redis|memory)|admission/(redis|memory)|publish/(redis|memory))/', pathNot: '^src/$1/' },
    },
    { name: 'no-circular', comment: 'No cycles.', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', comment: 'A misspelled import.', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
