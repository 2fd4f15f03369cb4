/**
 * Every value of the cookies with this name (RFC 6265, 5.4), in the order sent, quotes around a value removed. Names are compared exactly: a
 * prefix such as `__Host-` means something only as it is spelt. Nothing is decoded.
 */
export function findCookie(header: string, name: string): readonly string[] {
  const values: string[] = [];
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== name) continue;
    const value = pair.slice(at + 1).trim();
    values.push(/^".*"$/.test(value) ? value.slice(1, -1) : value);
  }
  return values;
}
