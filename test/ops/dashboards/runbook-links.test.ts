import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runbookUrl } from '../../../deploy/dashboards/generator/runbook.js';
import { repositoryPath } from '../../platform/run-folder.js';
import { panelsOf, readDashboards } from './committed-dashboards.js';

const dashboards = readDashboards();
const links = dashboards.flatMap(({ dashboard }) => panelsOf(dashboard).flatMap((panel) => panel.links));
const rulesPath = join(repositoryPath, 'deploy', 'prometheus', 'rules');
const rules = readdirSync(rulesPath)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(rulesPath, name), 'utf8'))
  .join('\n');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);

test('every link to the RUNBOOK is to the section of an alert that exists, where the alert itself leads', () => {
  const sections = links.filter(({ url }) => url.startsWith('${runbook}#')).map(({ url }) => url.replace('${runbook}', runbookUrl));
  const runbookUrls = [...rules.matchAll(/runbook_url: (\S+)/g)].map(([, url]) => url);
  expect(sections).not.toEqual([]);
  for (const url of sections) expect(runbookUrls).toContain(url);
});

test('every alert has a panel that leads to it, or is the slow twin of one that has', () => {
  const linked = links.map(({ title }) => title.replace('RUNBOOK: ', ''));
  // The slow burns of promises whose fast burn is linked.
  const without = ['SelvageConnectBudgetBurning', 'SelvageDeliveryBudgetBurning', 'SelvageResumeBudgetBurning', ,];
  expect(alerts.filter((name) => !linked.includes(name) && !without.includes(name))).toEqual([]);
});

test('every link to a dashboard is to one of these, with its nodes and time', () => {
  const uids = dashboards.map(({ dashboard }) => dashboard.uid);
  for (const { url } of links.filter((link) => link.url.startsWith('/d/'))) {
    expect(uids).toContain(/^\/d\/([a-z-]+)\?/.exec(url)?.[1]);
    expect(url).toContain('${__url_time_range}&${__all_variables}');
  }
});

test('the RUNBOOK has a heading for each section that is led to', () => {
  const path = join(repositoryPath, 'deploy', 'RUNBOOK.md');
  expect(existsSync(path)).toBe(true);
  const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ +(\w+) *$/gm)].map(([, heading = '']) => heading.toLowerCase());
  const anchors = links.map(({ url }) => url.split('#')[1]).filter((anchor) => anchor !== undefined);
  expect(anchors.filter((anchor) => !headings.includes(anchor))).toEqual([]);
});
