import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { provideAmtool, provideNginx, providePromtool } from '../../../scripts/ops/tools/tools.mjs';
import { makeRunFolder, repositoryPath } from '../../platform/run-folder.js';
import { loadComposeProject, mountedAt, serviceOf } from './compose-project.js';
import type { ComposeProject } from './compose-project.js';

const run = promisify(execFile);
const deployPath = join(repositoryPath, 'deploy');
let project: ComposeProject;
beforeAll(async () => {
  project = await loadComposeProject();
});

test('compose.yaml is what the compose specification says, with every service that a cluster has', () => {
  const names = Object.keys(project.services).sort();
  expect(names).toEqual(
    ['alertmanager', 'grafana', 'kafka', 'nginx', 'producer', 'prometheus', 'redis', 'selvage-1', 'selvage-2', 'topics'].sort(),
  );
});

test('a mistake in it is refused', async () => {
  const folder = makeRunFolder('compose');
  const path = join(folder, 'compose.yaml');
  writeFileSync(path, readFileSync(join(deployPath, 'compose.yaml'), 'utf8').replace('stop_grace_period', 'stop_grace_perod'));
  await expect(loadComposeProject(path)).rejects.toThrow(/stop_grace_perod/);
});

test('every image has an exact tag, every port is for this machine alone, everything mounted is there', () => {
  for (const [name, service] of Object.entries(project.services)) {
    expect([name, service.image]).toEqual([name, expect.stringMatching(/:(v?\d+\.\d+\.\d+|local)$/)]);
    for (const port of service.ports ?? []) expect([name, port.host_ip]).toEqual([name, '127.0.0.1']);
    for (const mount of service.volumes ?? []) {
      if (mount.type !== 'bind') continue;
      expect([name, mount.source, existsSync(mount.source), mount.read_only]).toEqual([name, mount.source, true, true]);
    }
  }
});

test('nodes have what the image promises: nothing to write, no capability, time to drain', () => {
  for (const name of ['selvage-1', 'selvage-2']) {
    const { environment, read_only, cap_drop, stop_grace_period } = serviceOf(project, name);
    expect([read_only, cap_drop]).toEqual([true, ['ALL']]);
    const drainSeconds = ['BALANCER_WAIT', 'WINDOW'].map((part) => Number(environment?.[`SELVAGE_DRAIN_${part}_SECONDS`]));
    expect(Number.parseInt(stop_grace_period ?? '0')).toBe(drainSeconds.reduce((sum, seconds) => sum + seconds, 5));
  }
});

test('what nginx, Prometheus and Alertmanager are given passes their own checks', async () => {
  const folder = makeRunFolder('compose');
  const nginx = serviceOf(project, 'nginx');
  const tls = join(folder, 'tls');
  const script = mountedAt(nginx, '/docker-entrypoint.d/05-make-certificate.sh');
  // The image leaves out scripts that may not be executed.
  expect(statSync(script).mode & 0o111).toBe(0o111);
  await run('sh', [script], { env: { ...process.env, TLS_FOLDER: tls } });
  const made = statSync(join(tls, 'tls.crt')).mtimeMs;
  await run('sh', [script], { env: { ...process.env, TLS_FOLDER: tls } });
  expect(statSync(join(tls, 'tls.crt')).mtimeMs).toBe(made);
  const config = readFileSync(mountedAt(nginx, '/etc/nginx/nginx.conf'), 'utf8')
    .replaceAll('/etc/nginx/tls', tls)
    .replaceAll(/selvage-[12]:8080/g, '127.0.0.1:1')
    .replace('/tmp/nginx.pid', join(folder, 'nginx.pid'));
  writeFileSync(join(folder, 'nginx.conf'), config);
  // To a file: /dev/stdout cannot be opened where it is a socket.
  await run('sh', ['-c', '"$0" -t -p "$1" -e stderr -c "$1/nginx.conf" > "$1/said" 2>&1', await provideNginx(), folder]);

  const prometheus = serviceOf(project, 'prometheus');
  const rules = mountedAt(prometheus, '/etc/prometheus/rules');
  mkdirSync(join(folder, 'prometheus'));
  const prometheusPath = join(folder, 'prometheus', 'prometheus.yaml');
  writeFileSync(
    prometheusPath,
    readFileSync(mountedAt(prometheus, '/etc/prometheus/prometheus.yml'), 'utf8').replaceAll('rules/*.yaml', `${rules}/*.yaml`),
  );
  const { stdout } = await run(await providePromtool(), ['check', 'config', prometheusPath]);
  expect(stdout).toMatch(/SUCCESS: \d+ rule files found/);
  await run(await provideAmtool(), ['check-config', mountedAt(serviceOf(project, 'alertmanager'), '/etc/alertmanager/alertmanager.yml')]);
});

test('Grafana finds a data source and every dashboard', () => {
  const grafana = serviceOf(project, 'grafana');
  const provisioning = mountedAt(grafana, '/etc/grafana/provisioning');
  const read = (path: string): unknown => parse(readFileSync(join(provisioning, path), 'utf8'));
  expect(read('datasources/prometheus.yaml')).toMatchObject({ datasources: [{ type: 'prometheus', url: 'http://prometheus:9090' }] });
  const { providers } = read('dashboards/selvage.yaml') as { providers: { options: { path: string } }[] };
  const dashboards = mountedAt(grafana, providers[0]!.options.path);
  const names = readdirSync(dashboards).filter((name) => name.endsWith('.json'));
  expect(names.length).toBeGreaterThanOrEqual(5);
  expect(names).toContain(grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']?.split('/').at(-1));
});
