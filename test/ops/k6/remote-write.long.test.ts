import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { providePrometheus } from '../../../scripts/ops/tools/tools.mjs';
import { freePort } from '../../platform/free-port.js';
import { OwnedProcess } from '../../platform/owned-process.js';
import { makeRunFolder, removeRunFolder } from '../../platform/run-folder.js';
import { waitFor } from '../../platform/wait-for.js';
import { runScenario } from './run-scenario.js';

interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

async function startReceiver(): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const folder = makeRunFolder('prometheus');
  const address = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(folder, 'prometheus.yml'), 'global: {}\n');
  const flags = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=${address}`];
  const args = [...flags, '--web.enable-remote-write-receiver'];
  const owned = new OwnedProcess({ file: await providePrometheus(), args, folder, name: 'prometheus' });
  const url = `http://${address}`;
  const close = async () => {
    owned.kill();
    await owned.ended;
    removeRunFolder(folder);
  };
  await waitFor(async () => (await fetch(`${url}/-/ready`)).ok, { timeoutMs: 30_000, what: 'Prometheus' });
  return { url, close };
}

test('k6 writes its metrics to a real Prometheus while it runs', async () => {
  const prometheus = await startReceiver();
  try {
    const { code, said, metrics } = await runScenario(['smoke', '--seconds', '6', '--prometheus', prometheus.url]);
    expect(code, said).toBe(0);
    const ask = async (query: string) => {
      const answer = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data } = (await answer.json()) as Answer;
      return Number(data.result[0]?.value[1]);
    };
    expect(await ask('sum(last_over_time(k6_sse_events_total[5m]))')).toBe(metrics['sse_events']!['count']);
    expect(await ask('sum(last_over_time(k6_sse_lost_total[5m]))')).toBe(0);
    expect(await ask('max(last_over_time(k6_sse_resume_success_rate[5m]))')).toBe(1);
    // Trends are in seconds there.
    expect(await ask('max(last_over_time(k6_sse_event_latency_p99{kind="live"}[5m]))')).toBeLessThan(60);
    expect(await ask('max(last_over_time(k6_sse_event_latency_p99{kind="live"}[5m]))')).toBeGreaterThan(0);
  } finally {
    await prometheus.close();
  }
});
