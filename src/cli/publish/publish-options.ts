import type { RemoteOptions } from '../remote.js';

export interface PublishOptions extends RemoteOptions {
  readonly type?: string;
  readonly file?: string;
  readonly user?: string;
  readonly broadcast?: true;
  readonly key?: string;
  readonly attribute?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
  readonly lines?: true;
  readonly batch: number;
  readonly json?: true;
}
