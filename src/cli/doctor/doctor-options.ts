import type { RemoteOptions } from '../remote.js';

export interface DoctorOptions extends RemoteOptions {
  readonly config?: string;
  readonly channel: string;
  /** Seconds. */
  readonly hold?: number;
  readonly publish?: true;
  readonly only?: readonly string[];
  readonly strict?: true;
  readonly json?: true;
}
