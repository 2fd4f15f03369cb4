import { afterAll, beforeAll, expect, test } from 'vitest';
import { Alerting } from './alerting.js';
import { DrillWorld } from './drill-world.js';
import { networkDrills } from './network-drills.js';
import { readerDrills } from './reader-drills.js';
import { recordDrills } from './record-drills.js';
import { runDrill } from './run-drill.js';
import type { Drill, DrillResult } from './run-drill.js';
import { scaledAlertmanager, scaledRules, shippedAlerts } from './scaled-alerting.js';
import { serverDrills } from './server-drills.js';
import { writeRow, writeTable } from './write-table.js';

/** `DRILLS=word,word`: only drills whose names hold one of the words. Set by `npm run drills`. */
const only = process.env['DRILLS']?.split(',');
const all = [...recordDrills, ...readerDrills, ...serverDrills, ...networkDrills];
const chosen = all.filter(({ name }) => only === undefined || only.some((word) => name.includes(word)));
const wellMs = 60_000;
const receivers = shippedAlerts();

let world: DrillWorld | null = null;
const results: DrillResult[] = [];

async function endWorld(): Promise<void> {
  await world?.close();
  world = null;
}

/** The world of the drill before, unless that one left it unwell. */
async function healthyWorld(): Promise<DrillWorld> {
  try {
    await world?.spreadReaders(wellMs);
  } catch {
    await endWorld();
  }
  return (world ??= await DrillWorld.start());
}

/** What was to be told, and did not reach its receiver. */
function untold({ fires }: Drill, { notices }: Alerting): string[] {
  const isTold = (alert: string): boolean =>
    notices.some((notice) => notice.alert === alert && notice.status === 'firing' && notice.receiver === receivers.get(alert));
  return fires.filter((alert) => !isTold(alert)).map((alert) => `${alert} did not reach ${receivers.get(alert) ?? 'any receiver'}`);
}

beforeAll(async () => {
  world = await DrillWorld.start();
});

afterAll(async () => {
  await endWorld();
  process.stdout.write(`${writeTable(results)}\n`);
});

test.for(chosen)('$name', { timeout: 420_000 }, async (drill, { skip }) => {
  const missing = drill.lacks?.() ?? null;
  skip(missing !== null, missing ?? '');
  const here = await healthyWorld();
  const alerting = await Alerting.start({
    targets: here.targets,
    rules: scaledRules(drill.factor),
    alertmanager: (webhookUrl) => scaledAlertmanager(drill.factor, webhookUrl),
  });
  try {
    const seen = await runDrill(drill, here, alerting);
    const result = { ...seen, problems: [...seen.problems, ...untold(drill, alerting)] };
    results.push(result);
    process.stdout.write(`${writeRow(result)}\n`);
    expect(result.problems.join('\n')).toBe('');
  } finally {
    await alerting.close();
    if (drill.spoilsWorld === true) await endWorld();
  }
});

test('every shipped alert has a drill', () => {
  const drilled = new Set(all.flatMap(({ fires }) => fires));
  expect([...receivers.keys()].filter((alert) => !drilled.has(alert))).toEqual([]);
});
