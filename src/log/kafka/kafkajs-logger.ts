import kafkajs from 'kafkajs';
import type { logCreator } from 'kafkajs';
import type { Logger } from '../../telemetry/logger.js';

/**
 * Sends kafkajs' log to ours, one level down: what it calls an error is most often something that it, or our supervision, tries again, and
 * what matters is said by those who supervise.
 */
export function makeLogCreator(logger: Logger): logCreator {
  return () =>
    ({ namespace, level, log }) => {
      const fields = {
        from: namespace,
        broker: log['broker'] as unknown,
        groupId: log['groupId'] as unknown,
        error: log['error'] as unknown,
      };
      const message = `kafkajs: ${log.message}`;
      if (level === kafkajs.logLevel.ERROR) logger.info(message, fields);
      else logger.debug(message, fields);
    };
}
