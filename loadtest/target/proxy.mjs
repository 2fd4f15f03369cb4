/** nginx in front of nodes, with the configuration that `deploy/proxies/nginx` ships; only addresses, paths and the log are others. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provideNginx } from '../../scripts/ops/tools/tools.mjs';
import { loadPlatform, root } from '../bench/platform.mjs';

const readyMsMax = 10_000;

/** Starts the proxy before the ports of nodes; `{url, plainUrl, caPath, close}`: `url` is TLS, with HTTP/2 for those who ask for it. */
export async function startProxy(ports) {
  const { OwnedProcess } = await loadPlatform('owned-process');
  const { makeRunFolder, removeRunFolder } = await loadPlatform('run-folder');
  const { freePort } = await loadPlatform('free-port');
  const nginx = await provideNginx();
  const folder = makeRunFolder('loadtest-nginx');
  chmodSync(folder, 0o755); // nginx's workers are another user
  const [port, plainPort, redirectPort] = [await freePort(), await freePort(), await freePort()];
  const certificate = signCertificate(folder);
  const path = join(folder, 'nginx.conf');
  writeFileSync(path, adaptConfig({ folder, ports, port, plainPort, redirectPort, certificate }));
  const args = ['-p', folder, '-e', 'stderr', '-c', path, '-g', 'daemon off;'];
  const owned = new OwnedProcess({ file: nginx, args, folder, name: 'nginx' });
  const close = async () => {
    await owned.stop(5_000);
    removeRunFolder(folder);
  };
  const plainUrl = `http://127.0.0.1:${plainPort}`;
  const giveUpAtMs = Date.now() + readyMsMax;
  while (owned.isRunning && Date.now() < giveUpAtMs) {
    if (await fetch(plainUrl).catch(() => null)) return { url: `https://127.0.0.1:${port}`, plainUrl, caPath: certificate.cert, close };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const said = owned.logTail();
  await close();
  throw new Error(`nginx does not answer\n${said}`);
}

/** Each replaced text must be in the shipped one: what was changed there must be changed here. */
function adaptConfig({ folder, ports, port, plainPort, redirectPort, certificate }) {
  const server = (one) => `server 127.0.0.1:${one} max_fails=1 fail_timeout=5s;`;
  const replaced = [
    ['/etc/nginx/tls/tls.crt', certificate.cert],
    ['/etc/nginx/tls/tls.key', certificate.key],
    ['/tmp/nginx.pid', join(folder, 'nginx.pid')],
    ['access_log /dev/stdout lines;', 'access_log off;'],
    ['listen 80;', `listen 127.0.0.1:${redirectPort};`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2 backlog=4096;\n    listen 127.0.0.1:${plainPort} backlog=4096;`],
    ['server selvage-1:8080 max_fails=1 fail_timeout=5s;', ports.map(server).join('\n    ')],
    ['    server selvage-2:8080 max_fails=1 fail_timeout=5s;\n', ''],
  ];
  let text = readFileSync(join(root, 'deploy', 'proxies', 'nginx', 'nginx.conf'), 'utf8');
  for (const [from, to] of replaced) {
    if (!text.includes(from)) throw new Error(`deploy/proxies/nginx/nginx.conf does not hold ${JSON.stringify(from)}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** A certificate for this run alone, that vouches for itself. */
function signCertificate(folder) {
  const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const subject = ['-subj', '/CN=load test', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { cert, key };
}
