/** Ids that may stand in a header, a log line and a search field as they are. */
const sane = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/** The caller's `X-Request-Id` where it is sane, else a new one; `random` is uniform in [0, 1). */
export function chooseRequestId(given: string | undefined, random: () => number): string {
  if (given !== undefined && sane.test(given)) return given;
  const part = (): string =>
    Math.floor(random() * 2 ** 40)
      .toString(16)
      .padStart(10, '0');
  return `${part()}${part()}`;
}
