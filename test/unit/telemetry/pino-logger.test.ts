import { expect, test } from 'vitest';
import { createPinoLogger } from '../../../src/telemetry/pino-logger.js';
import type { LogLevel } from '../../../src/telemetry/pino-logger.js';

function capture(level: LogLevel) {
  const lines: string[] = [];
  const logger = createPinoLogger({ level, base: { node: 'edge-1' }, destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a line is JSON with the level as a word, the time, the message and the fields', () => {
  const { logger, parsed } = capture('info');
  logger.info('listening', { port: 8080 });
  expect(parsed()).toMatchObject([{ level: 'info', msg: 'listening', port: 8080, node: 'edge-1' }]);
  expect(parsed()[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
});

test('lines below the level are not written', () => {
  const { logger, lines } = capture('warn');
  logger.debug('a');
  logger.info('b');
  logger.warn('c');
  logger.error('d');
  expect(lines).toHaveLength(2);
});

test('secrets in fields are blotted out, one and two levels down as well', () => {
  const { logger, lines } = capture('debug');
  logger.warn('refused', {
    token: 'S3CRET',
    headers: { authorization: 'S3CRET', cookie: 'S3CRET' },
    kafka: { sasl: { password: 'S3CRET' } },
  });
  expect(lines.join('')).not.toContain('S3CRET');
});

test('an error is written with its message and stack', () => {
  const { logger, parsed } = capture('info');
  logger.error('failed', { error: new Error('no broker') });
  expect(parsed()[0]?.['error']).toMatchObject({ message: 'no broker', type: 'Error' });
});
