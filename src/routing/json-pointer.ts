/** The unescaped segments of a JSON pointer (RFC 6901). */
export type JsonPointer = readonly string[];

/** Parses `/a/b~1c`; undefined when it is not a pointer below the root. */
export function parseJsonPointer(text: string): JsonPointer | undefined {
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const arrayIndex = /^(0|[1-9][0-9]{0,9})$/;

/** The value at `pointer`; undefined when there is none. Inherited properties (`__proto__`, `constructor`) are not values. */
export function readJsonPointer(document: unknown, pointer: JsonPointer): unknown {
  let value = document;
  for (const segment of pointer) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !arrayIndex.test(segment)) return undefined;
    if (!Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string, unknown>)[segment];
  }
  return value;
}
