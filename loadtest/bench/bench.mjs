/**
 * `npm run bench`: measures the built program beside bare ones and prints tables (loadtest/README.md says how to read them).
 *
 *   npm run bench -- fan-out ingest      some sections (fan-out, memory, ingest, latency, resume, admission; default all)
 *   npm run bench -- --short             one round of short runs, to see that it works
 *   npm run bench -- --rounds 5 --seconds 20
 *   npm run bench -- --only 0,2          some cases of each section
 *   npm run bench -- --program other/dist/main.js
 *   npm run bench -- --priority=-10      on a machine that others use too: servers, Kafka and producer go before them (needs root)
 */
import { cpus, setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benchAdmission } from './admission.mjs';
import { benchFanOut } from './fan-out.mjs';
import { load, round } from './figures.mjs';
import { benchIngest } from './ingest.mjs';
import { benchLatency } from './latency.mjs';
import { benchMemory } from './memory.mjs';
import { root, startKafka } from './platform.mjs';
import { benchResume } from './resume.mjs';

const sections = {
  'fan-out': ['Fan-out: CPU of the server for each delivered event', benchFanOut],
  memory: ['Memory', benchMemory],
  ingest: ['Ingest: CPU of a node without readers', benchIngest],
  latency: ['Latency: record made to event received', benchLatency],
  resume: ['Resume: every stream cut at once', benchResume],
  admission: ['Admission: CPU of the server for each client that comes back', benchAdmission],
};

const flag = { type: 'string' };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean' }, rounds: flag, seconds: flag, only: flag, program: flag, priority: flag },
});
const names = positionals.length > 0 ? positionals : Object.keys(sections);
const unknown = names.find((name) => !(name in sections));
if (unknown !== undefined) throw new Error(`${unknown} is none of ${Object.keys(sections).join(', ')}`);

if (cpus().length < 2) throw new Error('a second core is needed');
if (values.priority !== undefined) setPriority(Number(values.priority));
const kafka = await startKafka();
const options = {
  kafka,
  program: resolve(values.program ?? join(root, 'dist', 'main.js')),
  rounds: Number(values.rounds ?? (values.short ? 1 : 5)),
  seconds: Number(values.seconds ?? (values.short ? 4 : 10)),
  only: values.only?.split(',').map(Number),
  isShort: values.short === true,
  settleSeconds: values.short ? 5 : 20,
  churnMinutes: values.short ? 0.5 : 10,
  streams: values.short ? 2_000 : 10_000,
};
try {
  const [cpu] = cpus();
  process.stdout.write(
    `${new Date().toISOString()}, ${cpus().length} x ${cpu?.model.trim()}, Node ${process.version}, load ${round(load())}\n`,
  );
  for (const name of names) {
    const [title, bench] = sections[name];
    process.stdout.write(`\n## ${title}\n\n${await bench(options)}\n`);
  }
} finally {
  await kafka.close();
}
process.exit();
