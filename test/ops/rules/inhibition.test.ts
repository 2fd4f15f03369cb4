import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { provideAlertmanager } from '../../../scripts/ops/tools/tools.mjs';
import { freePort } from '../../platform/free-port.js';
import { OwnedProcess } from '../../platform/owned-process.js';
import { makeRunFolder } from '../../platform/run-folder.js';
import { waitFor } from '../../platform/wait-for.js';
import { alertsOf, prometheusFolder, readRules } from './rule-files.js';

/** One alert as Alertmanager tells it. */
interface Heard {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: 'active' | 'suppressed' | 'unprocessed'; readonly inhibitedBy: readonly string[] };
}

let url = '';
let alertmanager: OwnedProcess;

beforeAll(async () => {
  const address = `127.0.0.1:${await freePort()}`;
  url = `http://${address}/api/v2`;
  const folder = makeRunFolder('alertmanager');
  alertmanager = new OwnedProcess({
    name: 'alertmanager',
    file: await provideAlertmanager(),
    args: [
      `--config.file=${join(prometheusFolder, 'alertmanager.yml')}`,
      `--storage.path=${folder}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
    ],
    folder,
  });
  await waitFor(async () => (await fetch(`${url}/status`)).ok, { what: 'Alertmanager', timeoutMs: 30_000 });
});

afterAll(() => alertmanager.kill());

const severities = new Map(alertsOf(readRules()).map(({ alert, labels }) => [alert, labels ?? {}]));

/** Which of the alerts, firing together in a cluster of this name, somebody hears of. */
async function heardOf(
  cluster: string,
  alerts: readonly string[],
  further: Readonly<Record<string, object>> = {},
): Promise<readonly string[]> {
  const body = alerts.map((alertname) => ({
    labels: { alertname, cluster, namespace: 'live', job: 'edge', ...severities.get(alertname), ...further[alertname] },
    annotations: {},
  }));
  const posted = await fetch(`${url}/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(posted.status).toBe(200);
  let heard: readonly Heard[] = [];
  const isSettled = async (): Promise<boolean> => {
    const filter = encodeURIComponent(`cluster="${cluster}"`);
    heard = (await (await fetch(`${url}/alerts?filter=${filter}`)).json()) as readonly Heard[];
    return heard.length === alerts.length && heard.every(({ status }) => status.state !== 'unprocessed');
  };
  await waitFor(isSettled, { what: `the alerts of ${cluster}` });
  return heard
    .filter(({ status }) => status.state === 'active')
    .map(({ labels }) => labels['alertname'] ?? '')
    .sort();
}

test('Kafka does not answer: one page, whatever follows from it', async () => {
  const follow = [
    'SelvageDown',
    'SelvageConnectsFailing',
    'SelvageDeliverySlow',
    'SelvageNodeNotReady',
    'SelvageTailStalled',
    'SelvageTailLagging',
  ];
  const behind = [
    'SelvageIndexerStopped',
    'SelvageIndexerLagging',
    'SelvagePublishFailing',
    'SelvageControlCommandsFailing',
    'SelvageReconnectStorm',
  ];
  const all = ['SelvageNoDelivery', ...follow, ...behind];
  expect(await heardOf('kafka-away', all)).toEqual(['SelvageNoDelivery']);
});

test('what Kafka being away does not explain is heard', async () => {
  const all = ['SelvageNoDelivery', 'SelvageRedisAway', 'SelvageMemoryNearLimit', 'SelvageResumesGapped', 'SelvageDeadLetters'];
  expect(await heardOf('kafka-away-too', all)).toEqual([...all].sort());
});

test('Redis away holds back what follows from it, also of indexers that are another job', async () => {
  const ofIndexers = { SelvageWindowFailing: { job: 'indexer', operation: 'write' }, SelvageIndexerStopped: { job: '' } };
  const all = ['SelvageRedisAway', 'SelvageWindowUnusable', 'SelvageWindowFailing', 'SelvageIndexerStopped', 'SelvageIndexerLagging'];
  expect(await heardOf('redis-away', all, ofIndexers)).toEqual(['SelvageRedisAway']);
});

test('a promise that pages holds back its ticket, and not that of another promise', async () => {
  const all = ['SelvageConnectsFailing', 'SelvageConnectBudgetBurning', 'SelvageResumeBudgetBurning'];
  expect(await heardOf('promise', all)).toEqual(['SelvageConnectsFailing', 'SelvageResumeBudgetBurning']);
});

test('a node holds back its own alerts, not those of its neighbour', async () => {
  const instances = {
    SelvageTailStalled: { instance: 'a' },
    SelvageTailLagging: { instance: 'a' },
    SelvageNodeNotReady: { instance: 'b' },
  };
  const all = ['SelvageTailStalled', 'SelvageTailLagging', 'SelvageNodeNotReady'];
  expect(await heardOf('node', all, instances)).toEqual(['SelvageNodeNotReady', 'SelvageTailStalled']);
});

test('no edge is ready: one page', async () => {
  const all = ['SelvageDown', 'SelvageConnectsFailing', 'SelvageNodeDown', 'SelvageNodeNotReady', 'SelvageSlowReaders'];
  expect(await heardOf('down', all)).toEqual(['SelvageDown']);
});

test('another cluster’s page holds nothing back', async () => {
  await heardOf('west', ['SelvageNoDelivery']);
  expect(await heardOf('east', ['SelvageTailStalled'])).toEqual(['SelvageTailStalled']);
});
