/** One process of the program, as a deployment runs it, with its log in a folder of the run. */
import { join } from 'node:path';
import { loadPlatform, root } from '../bench/platform.mjs';

const readyMsMax = 30_000;
const stopMsMax = 60_000;

/** Everybody may read and publish, as often as they like: what is measured is the fabric, not who may use it. */
const openToAll = { SELVAGE_AUTH_ANONYMOUS_READ: '**', SELVAGE_AUTH_ANONYMOUS_PUBLISH: '**', HOST: '127.0.0.1', LOG_LEVEL: 'warn' };

/** Starts a node and waits until it delivers; `{url, adminUrl, pid, kill, start, stop, close}`. */
export async function startNode({ name, program = join(root, 'dist', 'main.js'), env = {} }) {
  const { OwnedProcess } = await loadPlatform('owned-process');
  const { makeRunFolder, removeRunFolder } = await loadPlatform('run-folder');
  const { freePort } = await loadPlatform('free-port');
  const folder = makeRunFolder('loadtest-node');
  const [port, adminPort] = [await freePort(), await freePort()];
  const [url, adminUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
  let owned;
  const start = async () => {
    const ports = { PORT: String(port), ADMIN_PORT: String(adminPort) };
    const own = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...openToAll, ...ports, ...env };
    owned = new OwnedProcess({ file: process.execPath, args: [program], cwd: root, folder, name, env: own });
    await untilReady(owned, adminUrl);
  };
  const node = {
    url,
    adminUrl,
    port,
    adminPort,
    get pid() {
      return owned.pid;
    },
    start,
    /** SIGKILL. */
    kill: async () => {
      owned.kill();
      await owned.ended;
    },
    /** SIGTERM, and waits for the end of its drain. */
    stop: () => owned.stop(stopMsMax),
    logTail: () => owned.logTail(),
    close: async () => {
      owned.kill();
      await owned.ended;
      removeRunFolder(folder);
    },
  };
  try {
    await start();
  } catch (error) {
    await node.close();
    throw error;
  }
  return node;
}

async function untilReady(owned, adminUrl) {
  const giveUpAtMs = Date.now() + readyMsMax;
  while (owned.isRunning && Date.now() < giveUpAtMs) {
    const answer = await fetch(`${adminUrl}/healthz/ready`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${owned.name} is not ready after ${readyMsMax} ms\n${owned.logTail()}`);
}
