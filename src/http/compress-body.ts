import { brotliCompress, constants, gzip } from 'node:zlib';

export type ContentCoding = 'br' | 'gzip';

/** Bodies that are compressed at a time; more are sent as they are: the threads are shared with file and name look-ups. */
const pendingMax = 8;
// A poll's answer is made once and sent once: the levels of dynamic answers, not those of files.
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } };
const gzipOptions = { level: 5 };

/** The coding that the client likes best of those served; null: none, or it likes the plain body better. At equal weight brotli goes first. */
export function chooseCoding(acceptEncoding: string | undefined): ContentCoding | null {
  if (acceptEncoding === undefined) return null;
  const weights = new Map<string, number>();
  for (const entry of acceptEncoding.toLowerCase().split(',').slice(0, 20)) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim());
    const weight = parameters.map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)?.[1]).find((found) => found !== undefined);
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight === undefined ? 1 : Number(weight));
  }
  const weightOf = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0;
  const best = weightOf('br') >= weightOf('gzip') ? 'br' : 'gzip';
  return weightOf(best) > 0 && weightOf(best) >= (weights.get('identity') ?? 0) ? best : null;
}

/** Compresses bodies in the thread pool, a bounded number at a time. */
export class BodyCompressor {
  readonly #bytesMin: number;
  #pending = 0;

  /** Shorter bodies are left as they are; 0: all are. */
  constructor(bytesMin: number) {
    this.#bytesMin = bytesMin;
  }

  /** Null at once where the body is to be sent as it is; resolves to null where it could not be compressed. */
  compress(body: string, acceptEncoding: string | undefined): Promise<{ bytes: Uint8Array; coding: ContentCoding } | null> | null {
    if (this.#bytesMin === 0 || body.length < this.#bytesMin || this.#pending >= pendingMax) return null;
    const coding = chooseCoding(acceptEncoding);
    if (coding === null) return null;
    this.#pending++;
    return new Promise((resolve) => {
      const take = (error: Error | null, bytes: Uint8Array): void => {
        this.#pending--;
        resolve(error === null ? { bytes, coding } : null);
      };
      if (coding === 'br') brotliCompress(body, brotliOptions, take);
      else gzip(body, gzipOptions, take);
    });
  }
}
