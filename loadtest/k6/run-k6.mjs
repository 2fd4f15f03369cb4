/** Runs one scenario by our k6. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideK6 } from './build.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/**
 * @param {object} run
 * @param {string} run.scenario a file of `scenarios`, without `.js`
 * @param {Record<string, string>} run.env what scenarios read
 * @param {string} [run.prometheus] base address of a Prometheus that takes remote writes
 * @param {string} [run.summary] path of a JSON file for the figures
 * @param {readonly string[]} [run.args] more arguments of `k6 run`
 * @param {(wait: (ms: number) => Promise<void>) => Promise<void>} [run.during] runs beside it; its wait rejects when k6 has ended
 * @returns {Promise<number>} k6's code: 99 when a threshold was crossed
 */
export async function runK6({ scenario, env, prometheus, summary, args = [], during }) {
  const k6 = await provideK6();
  const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const outputs = [
    ...(prometheus === undefined ? [] : ['-o', 'experimental-prometheus-rw']),
    ...(summary === undefined ? [] : ['--summary-export', summary]),
  ];
  const line = ['run', '--quiet', '--no-usage-report', ...variables, ...outputs, ...args, join(here, 'scenarios', `${scenario}.js`)];
  const child = spawn(k6, line, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...settingsOf(prometheus), ...trusting(env) },
  });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code ?? 1)));
  const stop = () => child.kill('SIGINT');
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  try {
    const beside = during?.(waitUnless(ended)).catch((error) => (error === hasEnded ? undefined : Promise.reject(error)));
    const code = await ended;
    await beside;
    return code;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  }
}

/** Our module is in the program: k6 need not look for it elsewhere. */
const settingsOf = (prometheus) => ({
  K6_AUTO_EXTENSION_RESOLUTION: 'false',
  ...(prometheus === undefined
    ? {}
    : {
        K6_PROMETHEUS_RW_SERVER_URL: `${prometheus.replace(/\/$/, '')}/api/v1/write`,
        K6_PROMETHEUS_RW_TREND_STATS: 'p(50),p(95),p(99),max',
      }),
});

/** Requests by k6/http trust what Go trusts: a proxy of a test has its own authority. */
const trusting = ({ CA_FILE }) => (CA_FILE === undefined ? {} : { SSL_CERT_FILE: CA_FILE });

const hasEnded = new Error('k6 has ended');

const waitUnless = (ended) => (ms) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    void ended.then(() => {
      clearTimeout(timer);
      reject(hasEnded);
    });
  });
