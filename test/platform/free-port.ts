import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const triesMax = 50;

/**
 * A port of 127.0.0.1 that nobody listens on. Below the range from which the kernel takes ports of outgoing connections (32768 and up), so that a killed server finds
 * its own port free when it is started again.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = randomInt(12_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found in ${String(triesMax)} tries`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
