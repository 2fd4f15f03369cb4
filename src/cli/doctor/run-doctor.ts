import type { Config } from '../../config/config.js';
import type { CommandContext } from '../command-context.js';
import { reasonOf } from '../command-context.js';
import { escapeJson, escapeText } from '../escape-text.js';
import { exitCodes } from '../exit-codes.js';
import { readConfig } from '../read-config.js';
import type { DoctorOptions } from './doctor-options.js';
import { examineCertificates } from './examine-certificates.js';
import { examineIdentity } from './examine-identity.js';
import { examineKafka } from './examine-kafka.js';
import { examineProcess } from './examine-process.js';
import { examineRedis } from './examine-redis.js';
import { examineTopics } from './examine-topics.js';
import { examineUrl } from './examine-url.js';
import { examineWindow } from './examine-window.js';
import { fail } from './finding.js';
import type { Finding, Level } from './finding.js';

interface Area {
  readonly name: string;
  readonly applies: boolean;
  readonly examine: () => Promise<readonly Finding[]>;
}

/** Looks at one area after another, and tells of each at once; the exit code. */
export async function runDoctor(options: DoctorOptions, context: CommandContext): Promise<number> {
  const config = readConfig(context.env, options.config);
  const { terminal } = context;
  const all: (Finding & { readonly area: string })[] = [];
  for (const { name, applies, examine } of areasOf(config, options, context)) {
    if (options.only === undefined ? !applies : !options.only.includes(name)) continue;
    const findings = await examine().catch((error: unknown) => [fail(`it could not be looked at: ${reasonOf(error)}`, null)]);
    all.push(...findings.map((finding) => ({ area: name, ...finding })));
    if (!options.json) for (const finding of findings) await writeFinding(name, finding, terminal);
  }
  const count = (level: Level): number => all.filter((finding) => finding.level === level).length;
  const isOk = count('fail') === 0 && (options.strict !== true || count('warn') === 0);
  if (options.json) await terminal.out.line(escapeJson(JSON.stringify({ ok: isOk, findings: all })));
  else await terminal.out.line(`${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail`);
  return isOk ? exitCodes.ok : exitCodes.failure;
}

function areasOf(config: Config, options: DoctorOptions, { env }: CommandContext): readonly Area[] {
  const hasKafka = !config.isEmbedded;
  const hasRedis = hasKafka && config.redis.url !== null;
  return [
    { name: 'process', applies: true, examine: () => examineProcess(config, env) },
    { name: 'certificates', applies: true, examine: () => examineCertificates(config) },
    { name: 'identity', applies: config.roles.includes('edge'), examine: () => examineIdentity(config) },
    { name: 'kafka', applies: hasKafka, examine: () => examineKafka(config) },
    { name: 'topics', applies: hasKafka, examine: () => examineTopics(config) },
    { name: 'redis', applies: hasKafka, examine: () => examineRedis(config) },
    { name: 'window', applies: hasRedis, examine: () => examineWindow(config) },
    { name: 'url', applies: options.url !== undefined, examine: () => examineUrl(config, options, env) },
  ];
}

async function writeFinding(area: string, { level, what, mend }: Finding, { out }: CommandContext['terminal']): Promise<void> {
  const paint = { ok: out.paint.green, warn: out.paint.yellow, fail: out.paint.red }[level];
  await out.line(`${paint(level.padEnd(4))}  ${area.padEnd(12)}  ${escapeText(what)}`);
  if (mend !== null) await out.line(`${' '.repeat(20)}${out.paint.dim('->')} ${escapeText(mend)}`);
}
