/**
 * What stands in a case for something that only a running node, or the time of day, can give: cases stay the same bytes on every machine. They are put in
 * just before a case is sent; one that was mutated or cut in two stays as it is.
 */
export const stand = {
  token: '@token@',
  /** Of somebody who may do nothing. */
  otherToken: '@other@',
  /** Of yesterday. */
  lateToken: '@late@',
  ticket: '@ticket@',
  /** Id of an open stream of the one whom `token` belongs to. */
  stream: '@stream@',
  position: '@position@',
} as const;

export type StandIns = Readonly<Record<keyof typeof stand, string>>;

/** The bytes with what the stand-ins stand for. */
export function putIn(bytes: Buffer, values: StandIns): Buffer {
  let text = bytes.toString('latin1');
  for (const [name, mark] of Object.entries(stand)) text = text.replaceAll(mark, values[name as keyof StandIns]);
  return Buffer.from(text, 'latin1');
}
