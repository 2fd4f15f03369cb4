/** nginx in front of nodes, without stickiness: no buffering, another node where one does not answer. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlatform } from '../bench/platform.mjs';
import { provideNginx } from '../../scripts/ops/tools/tools.mjs';

const connectionsMax = 32_000;

/** Starts the proxy before the ports of nodes; `{url, close}`. */
export async function startProxy(ports) {
  const { OwnedProcess } = await loadPlatform('owned-process');
  const { makeRunFolder, removeRunFolder } = await loadPlatform('run-folder');
  const { freePort } = await loadPlatform('free-port');
  const nginx = await provideNginx();
  const folder = makeRunFolder('loadtest-nginx');
  const port = await freePort();
  const path = join(folder, 'nginx.conf');
  writeFileSync(path, configuration({ folder, port, ports }));
  const owned = new OwnedProcess({ file: nginx, args: ['-p', folder, '-c', path, '-e', join(folder, 'error.log')], folder, name: 'nginx' });
  const url = `http://127.0.0.1:${port}`;
  const giveUpAtMs = Date.now() + 10_000;
  while (owned.isRunning && Date.now() < giveUpAtMs) {
    if (await fetch(url).catch(() => null)) return { url, close: () => close(owned, () => removeRunFolder(folder)) };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nginx does not answer\n${owned.logTail()}`);
}

async function close(owned, afterwards) {
  await owned.stop(5_000);
  afterwards();
}

/** One worker: it shares the machine with what is measured. Streams need two connections each, hence the file limit. */
const configuration = ({ folder, port, ports }) => `
daemon off;
worker_processes 1;
worker_rlimit_nofile ${2 * connectionsMax};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections ${2 * connectionsMax}; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream nodes {
${ports.map((one) => `    server 127.0.0.1:${one} max_fails=1 fail_timeout=2s;`).join('\n')}
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 120s;
      proxy_connect_timeout 2s;
      proxy_next_upstream error timeout http_502 http_503;
    }
  }
}
`;
