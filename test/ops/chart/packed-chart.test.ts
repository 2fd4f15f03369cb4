import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { provideHelmTemplate } from '../../../scripts/ops/tools/tools.mjs';
import { chartPath } from './rendered-chart.js';

test('rules or dashboards that a chart was packed without are refused, not left out unsaid', async () => {
  const copy = join(mkdtempSync(join(tmpdir(), 'selvage-chart-')), 'selvage');
  cpSync(chartPath, copy, { recursive: true });
  rmSync(join(copy, 'files', 'rules'), { recursive: true });
  rmSync(join(copy, 'files', 'dashboards'), { recursive: true });
  const switches = ['--kube-version', '1.36.0', '--set', 'prometheusRule.enabled=true,dashboards.enabled=true'];
  const refused = promisify(execFile)(await provideHelmTemplate(), [
    'template',
    'rel',
    copy,
    '-f',
    join(copy, 'ci', 'minimal.yaml'),
    ...switches,
  ]);
  await expect(refused).rejects.toThrow(/packed without its rules[\s\S]*packed without its dashboards/);
});
