import type { Logger } from '../../src/telemetry/logger.js';

const print =
  (level: string): Logger['info'] =>
  (message, fields) => {
    if (process.env['SELVAGE_TEST_LOG']) console.log(level, message, fields ?? '');
  };

/** Says nothing, unless `SELVAGE_TEST_LOG` is set. */
export const silentLogger: Logger = { debug: print('debug'), info: print('info'), warn: print('warn'), error: print('error') };
