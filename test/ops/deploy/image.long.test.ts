import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { provideBaseImage } from '../../../scripts/ops/tools/base-image.mjs';
import { freePort } from '../../platform/free-port.js';
import { repositoryPath } from '../../platform/run-folder.js';
import { sharedKafka, sharedRedis } from '../../platform/shared-services.js';
import { SseReader } from '../../platform/sse-reader.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';
import { BuiltImage } from './built-image.js';

const isRoot = process.getuid?.() === 0;
/** Of which Debian's own files are 60 and Node 127. */
const megabytesMax = 300;

/** The Dockerfile's own steps, done on a Debian 13 with Node 24; what comes out is started as a container would be. */
describe.skipIf(!isRoot)('the image', { timeout: 300_000 }, () => {
  let image: BuiltImage;
  beforeAll(async () => {
    image = BuiltImage.build(join(repositoryPath, 'deploy', 'Dockerfile'), await provideBaseImage());
  }, 600_000);
  afterAll(() => image?.close());

  test('is small, and holds what runs and nothing of what builds it', () => {
    console.log(`the image: ${image.megabytes} MB`);
    expect(image.megabytes).toBeLessThan(megabytesMax);
    expect(readdirSync(join(image.root, 'app')).sort()).toEqual(['LICENSE', 'dist', 'healthcheck.mjs', 'node_modules', 'package.json']);
    const addons = readdirSync(join(image.root, 'app/node_modules/uWebSockets.js')).filter((name) => name.endsWith('.node'));
    expect(addons).toEqual([`uws_linux_${process.arch}_137.node`]);
    for (const name of ['typescript', 'vitest', 'eslint']) expect(existsSync(join(image.root, 'app/node_modules', name))).toBe(false);
    for (const name of ['npm', 'npx', 'yarn']) expect(existsSync(join(image.root, 'usr/local/bin', name))).toBe(false);
  });

  test('has nothing that its user could change', () => {
    const paths = readdirSync(join(image.root, 'app'), { recursive: true, withFileTypes: true });
    const writable = paths
      .filter((entry) => !entry.isSymbolicLink())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => {
        const { uid, mode } = statSync(path);
        return uid !== 0 || (mode & 0o022) !== 0;
      });
    expect(writable).toEqual([]);
  });

  test('serves streams from Kafka and Redis with a root that cannot be written, and drains as process 1', async () => {
    const ports = { PORT: String(await freePort()), ADMIN_PORT: String(await freePort()) };
    const node = image.start('node', {
      ...ports,
      KAFKA_BROKERS: sharedKafka().brokers,
      REDIS_URL: sharedRedis().url,
      SELVAGE_GROUP: uniqueName('image'),
      SELVAGE_AUTH_ANONYMOUS_READ: '**',
      SELVAGE_AUTH_ANONYMOUS_PUBLISH: '**',
      SELVAGE_DRAIN_BALANCER_WAIT_SECONDS: '1',
      SELVAGE_DRAIN_WINDOW_SECONDS: '2',
    });
    try {
      const health = (question: string): Promise<number | null> =>
        image.start(`health-${question}`, ports, [...commandOf(image.settings.healthcheck).slice(0, -1), question]).ended;
      await waitFor(async () => !node.isRunning || (await health('ready')) === 0, {
        what: `readiness: ${node.logTail()}`,
        timeoutMs: 60_000,
      });
      expect(node.isRunning).toBe(true);
      expect(await health('live')).toBe(0);
      expect(readStatus(node)).toMatchObject({ Uid: '1000\t1000\t1000\t1000', CapEff: '0000000000000000', NoNewPrivs: '1' });
      expect(readStatus(node)['NSpid']?.endsWith('\t1')).toBe(true);
      using reader = await SseReader.open({ port: Number(ports.PORT) }, 'channel=greetings');
      const answer = await fetch(`http://127.0.0.1:${ports.PORT}/v1/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ channel: 'greetings', data: 'hello' }),
      });
      expect(answer.status).toBe(200);
      expect(await reader.take(1)).toEqual(['hello']);
      node.signal(image.settings.stopSignal as NodeJS.Signals);
      await reader.until(() => reader.closes.length > 0, 'the close');
      expect(reader.closes).toEqual(['draining']);
      expect(await node.ended).toBe(0);
      expect(await health('live')).toBe(1);
    } finally {
      node.kill();
      await node.ended;
    }
  });

  test('cannot write anywhere', async () => {
    const script =
      "try { require('node:fs').writeFileSync('/app/x', ''); } catch (error) { process.exit(error.code === 'EROFS' || error.code === 'EACCES' ? 7 : 8); }";
    expect(await image.start('writer', {}, ['node', '-e', script]).ended).toBe(7);
  });
});

/** The exec form behind the options of HEALTHCHECK. */
function commandOf(healthcheck: string): readonly string[] {
  return JSON.parse(healthcheck.slice(healthcheck.indexOf('CMD ') + 4)) as string[];
}

/** The fields of the innermost process's /proc/<pid>/status. */
function readStatus(node: { readonly pid: number | undefined }): Record<string, string> {
  let pid = String(node.pid);
  for (;;) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    if (children[0] === undefined || children[0] === '') break;
    pid = children[0];
  }
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/:\s+/, 2))) as Record<string, string>;
}
