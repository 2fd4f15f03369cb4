import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import type { KafkaTlsOptions } from './kafka-connection.js';

const keepAliveMs = 60_000;

/** Makes kafkajs' sockets. Files are read at each connect, so that a renewed certificate is used without a restart. */
export function makeSocketFactory(options: KafkaTlsOptions | undefined): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const socket = options === undefined ? net.connect({ host, port }, onConnect) : tls.connect(tlsOptions(options, host, port), onConnect);
    socket.setKeepAlive(true, keepAliveMs);
    socket.setNoDelay(true);
    return socket;
  };
}

function tlsOptions(options: KafkaTlsOptions, host: string, port: number): tls.ConnectionOptions {
  const serverName = options.serverName ?? (net.isIP(host) === 0 ? host : undefined);
  return {
    host,
    port,
    ...(serverName !== undefined && { servername: serverName }),
    ...(options.rejectUnauthorized === false && { rejectUnauthorized: false }),
    ...(options.ca !== undefined && { ca: textOrFile(options.ca) }),
    ...(options.cert !== undefined && { cert: textOrFile(options.cert) }),
    ...(options.key !== undefined && { key: textOrFile(options.key) }),
  };
}

function textOrFile(value: string): string {
  return value.trimStart().startsWith('-----') ? value : readFileSync(value, 'utf8');
}
