/**
 * What must not reach a terminal as it is: control characters (C0, DEL, C1: with ESC or U+009B begins every command of a terminal), line separators, and
 * those that turn or hide text (bidirectional controls, zero-width ones, a byte order mark), lone halves of surrogate pairs.
 */
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const escapeUnit = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text of strangers in one line that a terminal shows and does not obey: what is unsafe becomes `\u001b`, line ends and tabs `\n`, `\t`. */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) =>
    character === '\n' ? '\\n' : character === '\t' ? '\\t' : character === '\r' ? '\\r' : escapeUnit(character),
  );
}

/** JSON that means the same and holds nothing unsafe: JSON has raw controls (C1, line separators) inside strings alone, where an escape says the same. */
export function escapeJson(json: string): string {
  return json.replace(unsafe, (character) => (character < '\u0020' ? ' ' : escapeUnit(character)));
}
