/**
 * Decodes a query string: repeated keys keep every value in order, `+` is a space (as forms and URLSearchParams write it). Null when an
 * escape is malformed or does not decode to UTF-8: half a channel name must never become another channel.
 */
export function parseQuery(query: string): ReadonlyMap<string, readonly string[]> | null {
  const values = new Map<string, string[]>();
  if (query === '') return values;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    if (name === null || value === null) return null;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}

function decode(text: string): string | null {
  // U+FFFD stands where the parser met bytes that are not UTF-8; a client that means that character escapes it.
  if (text.includes('\ufffd')) return null;
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return null;
  }
}
