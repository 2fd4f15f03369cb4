#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { welcomeText } from './cli/welcome.js';
import { startNode } from './compose.js';
import type { Config } from './config/config.js';
import { ConfigError } from './config/config-error.js';
import { loadConfig } from './config/load-config.js';
import { onStopSignals } from './lifecycle/stop-signals.js';
import { systemEnvironment } from './std/system-environment.js';
import { createPinoLogger } from './telemetry/pino-logger.js';
import { createPrometheusMetrics } from './telemetry/prometheus-metrics.js';

/** Exit codes: 0 stopped as asked, 1 a failure, 2 a configuration that cannot be used. */
const exitCodes = { failure: 1, badConfig: 2 } as const;

function configure(): Config {
  const nodeId = `${hostname()}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`.replace(/[^A-Za-z0-9._-]/g, '-');
  try {
    return loadConfig(process.env, (path) => readFileSync(path, 'utf8'), nodeId);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write('The configuration cannot be used:\n');
    for (const { path, message } of error.problems) process.stderr.write(`  ${path}: ${message}\n`);
    process.exit(exitCodes.badConfig);
  }
}

async function main(): Promise<void> {
  const config = configure();
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
        .finally(() => process.exit(0));
    },
    () => process.exit(0),
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

await main();
