import { startNode } from '../compose.js';
import type { Config } from '../config/config.js';
import { ConfigError } from '../config/config-error.js';
import { onStopSignals } from '../lifecycle/stop-signals.js';
import { tuneHeap } from '../lifecycle/tune-heap.js';
import { systemEnvironment } from '../std/system-environment.js';
import { createPinoLogger } from '../telemetry/pino-logger.js';
import { createPrometheusMetrics } from '../telemetry/prometheus-metrics.js';
import { exitCodes } from './exit-codes.js';
import { readConfig } from './read-config.js';
import { welcomeText } from './welcome.js';

function configure(configPath: string | undefined): Config {
  try {
    return readConfig(process.env, configPath);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write('The configuration cannot be used:\n');
    for (const { path, message } of error.problems) process.stderr.write(`  ${path}: ${message}\n`);
    process.exit(exitCodes.unusable);
  }
}

/** Runs a node until it is told to stop; the process ends with 0 then, 1 when it could not start, 2 for a configuration that cannot be used. */
export async function serve(configPath?: string): Promise<void> {
  tuneHeap();
  const config = configure(configPath);
  const logger = createPinoLogger({
    level: config.isEmbedded && config.logLevel === 'info' ? 'warn' : config.logLevel,
    base: { node: config.nodeId },
  });
  for (const notice of config.notices) logger.warn(notice);
  const starting = new AbortController();
  const hurry = new AbortController();
  let isStopping = false;
  const started = startNode(config, { environment: systemEnvironment, logger, metrics: createPrometheusMetrics() }, starting.signal);
  onStopSignals(
    process,
    () => {
      isStopping = true;
      starting.abort();
      void started
        .then((node) => node.stop(hurry.signal))
        .catch(() => undefined)
        .finally(() => process.exit(exitCodes.ok));
    },
    () => process.exit(exitCodes.ok),
  );
  try {
    const node = await started;
    if (config.isEmbedded && node.port !== null) process.stdout.write(welcomeText(config, node.port));
    else logger.info('serving', { port: node.port, adminPort: node.adminPort, roles: config.roles });
  } catch (error) {
    if (isStopping) return;
    logger.error('the node could not start', { error });
    process.exit(exitCodes.failure);
  }
}
