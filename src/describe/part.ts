import type { JsonObject } from './surface.js';

/** A part of the AsyncAPI document. */
export interface Part {
  readonly channels: JsonObject;
  readonly operations: JsonObject;
  readonly messages?: JsonObject;
}
