import net from 'node:net';
import tls from 'node:tls';
import type { X509Certificate } from 'node:crypto';

const dialMsMax = 5_000;

/** Opens a TCP connection and closes it; the reason when that does not work, else null. */
export function dial(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const end = (reason: string | null): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(dialMsMax, () => end(`no answer within ${dialMsMax / 1_000} s`));
    socket.once('connect', () => end(null));
    socket.once('error', (error) => end(error.message === '' ? 'it cannot be reached' : error.message));
  });
}

export interface PeerCertificate {
  readonly certificate: X509Certificate;
  /** Why it is not believed; null: it is. */
  readonly problem: string | null;
  /** What was agreed on; null: nothing. */
  readonly protocol: string | null;
}

/** The certificate of a TLS server; a sentence when none could be had. `ca`: PEM texts to trust in place of the public authorities. */
export function readPeerCertificate(
  host: string,
  port: number,
  options: { readonly ca?: string; readonly protocols?: readonly string[] } = {},
): Promise<PeerCertificate | string> {
  const { ca, protocols } = options;
  return new Promise((resolve) => {
    const socket = tls.connect({
      host,
      port,
      // The certificate is looked at whatever it is worth; nothing is sent to whoever has it.
      rejectUnauthorized: false,
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
    });
    const end = (result: PeerCertificate | string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(dialMsMax, () => end(`no answer within ${dialMsMax / 1_000} s`));
    socket.once('error', (error: Error) => end(error.message));
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return end('it shows no certificate');
      const reason = socket.authorizationError as Error | string | null | undefined;
      const problem =
        socket.authorized || reason === null || reason === undefined ? null : reason instanceof Error ? reason.message : reason;
      end({ certificate, problem, protocol: socket.alpnProtocol === false ? null : socket.alpnProtocol });
    });
  });
}
