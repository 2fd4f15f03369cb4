import { createRequire } from 'node:module';
import type uWS from 'uWebSockets.js';

/** The addon, with a constant that its type declaration has under another name. */
export type UwsModule = typeof uWS & { readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number };

/** Longest request head that the parser accepts when it arrives in pieces. Whole ones are not limited there: `read-request` counts all. */
export const fragmentedHeadBytesMax = 16_384;

/**
 * Loads uWebSockets.js. Its parser reads the bound of fragmented heads from the environment once, when the addon is loaded (4 KB without
 * it), so the bound is set here and the addon is loaded nowhere else.
 */
export function loadUws(): UwsModule {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(fragmentedHeadBytesMax);
  return createRequire(import.meta.url)('uWebSockets.js') as UwsModule;
}
