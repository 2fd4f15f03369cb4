import { originShape } from '../std/match-origin.js';
import { fraction, integer, list, optionalText, yesNo } from './option.js';

const bytes = 'bytes';
const seconds = 's';

/** The listener of the streams. */
export const httpOptions = {
  proxyProtocol: yesNo({
    default: false,
    sentence:
      'Take the address of readers from PROXY protocol v2, which a TCP balancer in front must then write on every connection: one without is cut. Each connection carries one request and takes three open files. Never together with tls.certFile. Off: it is ignored.',
  }),
  socketsMax: integer({
    default: 0,
    sentence:
      'Connections of a node at a time, with those that have not asked for anything yet; more are cut. 0: a tenth more than limits.connectionsMax, and 1000. Never more than the limit of open files (`ulimit -n`) leaves room for.',
  }),
  documents: yesNo({
    default: true,
    sentence: 'Serves `/openapi.json` and `/asyncapi.json`, to everybody; the second names topics, channels and fields of the routes.',
  }),
  compressBytesMin: integer({
    default: 1_024,
    unit: bytes,
    sentence: 'Polls and documents from this length on are compressed for clients that accept gzip or brotli; 0: none are.',
  }),
};

/** TLS of the listener. */
export const tlsOptions = {
  certFile: optionalText({
    sentence: 'Path of a PEM file with the certificate and its chain, read again when it changes. Absent: TLS is left to the balancer.',
  }),
  keyFile: optionalText({ sentence: "Path of a PEM file with the certificate's key." }),
};

/** What is written about requests. */
export const logOptions = {
  sampleRate: fraction({ default: 0.01, sentence: 'Share of the streams that ended well that get a line; 1: all of them.' }),
  refusalsPerSecondMax: integer({
    default: 10,
    max: 10_000,
    sentence: 'Lines about refused requests and failed streams in a second; those left out are counted.',
  }),
};

export const corsOptions = {
  origins: list({
    default: { sentence: 'none; `*` when embedded', derive: ({ isEmbedded }) => (isEmbedded ? ['*'] : []) },
    pattern: new RegExp(`${originShape.source}|^\\*$`),
    shape: '*, an origin such as https://app.example.com, or https://*.example.com',
    sentence: 'Origins whose pages may read answers.',
  }),
  credentials: yesNo({ default: false, sentence: 'Lets pages of these origins send cookies; never together with `*`.' }),
  maxAgeSeconds: integer({ default: 7_200, max: 86_400, unit: seconds, sentence: 'How long a browser may remember a preflight.' }),
  privateNetwork: yesNo({
    default: false,
    sentence: 'Answers the preflight with which browsers guard private networks against public pages.',
  }),
};
