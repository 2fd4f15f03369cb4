import { availableParallelism, totalmem } from 'node:os';
import type { Config } from '../../config/config.js';
import { boundSockets, readOpenFilesMax } from '../../http/socket-bounds.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

const mebibyte = 1_048_576;
/** What a node takes besides recent events and readers, measured: some 150 MB. */
const baseBytes = 200 * mebibyte;
/** What one reader takes, measured: 7 KB and less. */
const readerBytes = 8_192;
const nodeVersionMin: readonly [number, number] = [20, 18];

/** This machine and this process, as a node started here would find them. */
export async function examineProcess(config: Config, env: Readonly<Record<string, string | undefined>>): Promise<readonly Finding[]> {
  const isEdge = config.roles.includes('edge');
  return [
    examineNode(),
    ...config.notices.map((notice) => warn(notice, null)),
    ...(isEdge ? [examineFiles(config), examineHeaderBound(config, env), examineMemory(config)] : []),
  ];
}

function examineNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = nodeVersionMin;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor))
    return ok(`Node ${process.versions.node}, ${availableParallelism()} cores`);
  return fail(`Node ${process.versions.node} is too old`, `use Node ${nodeVersionMin.join('.')} or later`);
}

function examineFiles({ http, limits }: Config): Finding {
  const openFilesMax = readOpenFilesMax();
  if (openFilesMax === null) return ok('open files: no limit is known here');
  const { socketsMax: asked, proxyProtocol } = http;
  const { isCut, streamsMax, socketsMax } = boundSockets(
    { socketsMax: asked, streamsMax: limits.connectionsMax, proxyProtocol },
    openFilesMax,
  );
  if (!isCut)
    return ok(
      `open files: ulimit -n ${openFilesMax} leaves room for ${socketsMax} connections (limits.connectionsMax ${limits.connectionsMax})`,
    );
  const needed = (Math.ceil(limits.connectionsMax * 1.1) + 1_000) * (proxyProtocol ? 3 : 1) + 256;
  return warn(
    `open files: ulimit -n ${openFilesMax} leaves room for ${streamsMax} streams, and limits.connectionsMax is ${limits.connectionsMax}`,
    `ulimit -n ${needed} (LimitNOFILE= of systemd, default-ulimits of the container runtime), or set limits.connectionsMax to ${streamsMax}`,
  );
}

/** uWebSockets.js reads it once, when it is loaded; what is too small there refuses heads that come in pieces. */
function examineHeaderBound({ limits }: Config, env: Readonly<Record<string, string | undefined>>): Finding {
  const name = 'UWS_HTTP_MAX_HEADERS_SIZE';
  const text = env[name];
  if (text === undefined || Number(text) >= limits.headerBytesMax)
    return ok(`request heads: up to ${limits.headerBytesMax} bytes, whole or in pieces`);
  return fail(
    `${name} is ${text}: heads that come in pieces are refused (431) before limits.headerBytesMax (${limits.headerBytesMax})`,
    `unset ${name}`,
  );
}

function examineMemory({ recent, limits }: Config): Finding {
  const constrained = process.constrainedMemory();
  const bytes = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
  const needed = recent.bytesMax + baseBytes;
  const inMebibytes = (value: number): string => `${Math.round(value / mebibyte)} MiB`;
  if (bytes < needed) {
    return warn(
      `memory: ${inMebibytes(bytes)} here, and recent.bytesMax alone may take ${inMebibytes(recent.bytesMax)}`,
      `give the process ${inMebibytes(needed)} or more, or lower recent.bytesMax`,
    );
  }
  const readers = Math.floor((bytes - needed) / readerBytes);
  if (readers >= limits.connectionsMax) return ok(`memory: ${inMebibytes(bytes)}`);
  return warn(
    `memory: ${inMebibytes(bytes)} leave room for some ${readers} readers beside a full recent.bytesMax, and limits.connectionsMax is ${limits.connectionsMax}`,
    'give the process more, or lower recent.bytesMax or limits.connectionsMax',
  );
}
