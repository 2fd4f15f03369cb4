/** The server's own fault, whatever was asked: 501 and 505 are the parser's word on what it does not speak, 503 says to come back. */
const isFault = (status: number): boolean => status >= 500 && ![501, 503, 505].includes(status);

/** What is wrong with the bytes that a connection was answered with; null: they are whole answers, the last one perhaps still coming. */
export function findFault(text: string): string | null {
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0)
      return 'HTTP/1.1 '.startsWith(rest.slice(0, 9)) || /^HTTP\/1\.1 \d{3}/.test(rest)
        ? null
        : `no head: ${JSON.stringify(rest.slice(0, 100))}`;
    const head = rest.slice(0, headEnd + 2);
    if (!/^HTTP\/1\.1 \d{3} [ -~]*\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[ -~\x80-\xff]*\r\n)*$/.test(head))
      return `a head that is none: ${JSON.stringify(head)}`;
    const status = Number(head.slice(9, 12));
    if (isFault(status)) return `status ${status}: ${rest.slice(0, 500)}`;
    at += headEnd + 4;
    if (/^transfer-encoding: chunked/im.test(head)) return findStreamFault(text.slice(at));
    const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
    if (length === undefined) {
      if (/^connection: close/im.test(head)) return null;
      continue;
    }
    const isProblem = /^content-type: application\/problem\+json/im.test(head);
    const body = text.slice(at, at + Number(length));
    // The answer to a HEAD has no body: the next head, or nothing, follows.
    if (isProblem && body.length === Number(length) && !body.startsWith('{"type":"urn:selvage:error:'))
      return `a problem that is none: ${body}`;
    at += Number(length);
  }
  return null;
}

/**
 * The addon's own word on a head that it cannot read, as the last thing before it cuts the connection. Sent behind an open stream, such a head is refused
 * in the middle of it (PROTOCOL §2): whoever pipelines there has broken off its own stream.
 */
const addonRefusal = /^HTTP\/1\.1 (400|431|505) [ -~]*\r\nConnection: close\r\n/;

/** A stream is chunks of text; behind its last chunk nothing may come. */
function findStreamFault(text: string): string | null {
  let at = 0;
  while (at < text.length) {
    // The line end of a chunk comes with the next one.
    if (addonRefusal.test(text.slice(at)) || (at > 1 && addonRefusal.test(text.slice(at - 2)))) return null;
    const line = /^([0-9a-f]+)\r\n/i.exec(text.slice(at, at + 20));
    if (line === null)
      return text.length - at < 20 && /^[0-9a-f]*\r?$/i.test(text.slice(at))
        ? null
        : `no chunk: ${JSON.stringify(text.slice(at, at + 100))}`;
    const size = Number.parseInt(line[1] as string, 16);
    at += line[0].length + size + 2;
    if (size === 0) return text.length > at ? `more behind a stream: ${JSON.stringify(text.slice(at, at + 100))}` : null;
  }
  return null;
}
