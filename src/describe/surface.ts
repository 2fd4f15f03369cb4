import type { CredentialRules } from '../admission/identity/credential.js';
import type { NamedStream } from '../admission/named-streams/named-stream.js';
import type { HttpOptions } from '../http/http-options.js';
import type { PublishShape } from '../publish/publish-event.js';
import type { Route } from '../routing/route.js';
import type { StreamRequestLimits } from '../subscribe/stream-request.js';

/** What the documents are made from, besides the table of routes: the same objects that the node works with. */
export interface Surface {
  /** Of the program. */
  readonly version: string;
  readonly routes: readonly Route[];
  readonly streams: readonly NamedStream[];
  readonly http: Pick<HttpOptions, 'basePath' | 'port' | 'tls' | 'bodyBytesMax' | 'urlBytesMax' | 'headerBytesMax'>;
  readonly limits: StreamRequestLimits;
  readonly publish: PublishShape;
  readonly credentials: CredentialRules & { readonly hasTickets: boolean };
  /** Whether somebody without a token may read, or publish, anything at all. */
  readonly anonymous: { readonly read: boolean; readonly publish: boolean };
}

/** Attributes that readers may filter by. */
export const attributeNamesOf = ({ routes }: Surface): readonly string[] => [
  ...new Set(routes.flatMap(({ attributes }) => attributes.map(({ name }) => name))),
];

/** A piece of a document. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}
