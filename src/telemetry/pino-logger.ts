import pino from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import type { Logger, LogFields } from './logger.js';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface PinoLoggerOptions {
  /** Lines below it are not written. Default `info`. */
  readonly level?: LogLevel;
  /** Fields on every line, such as the node's name. */
  readonly base?: LogFields;
  /** Where lines go; the process's standard output by default. */
  readonly destination?: DestinationStream;
}

// Fields never hold secrets; this is the second line of defence, for an object that was logged whole.
const secretNames = ['authorization', 'cookie', 'password', 'secret', 'token', 'ticket', 'apiKey', 'accessKeyId', 'secretAccessKey'];
const redactedPaths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** JSON lines: `level` as a word, `time` in ISO 8601, `msg`, and the fields; `error` fields become type, message and stack. */
export function createPinoLogger(options: PinoLoggerOptions = {}): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: options.base === undefined ? null : { ...options.base },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
    redact: { paths: redactedPaths, censor: '[redacted]' },
  };
  return adapt(options.destination === undefined ? pino(settings) : pino(settings, options.destination));
}

function adapt(logger: PinoLogger): Logger {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  };
}
