/**
 * Asks the node in this container how it is, on its admin port: `node healthcheck.mjs live` (the default) or `ready`. Exit code 0: it is well; 1: it is
 * not, or does not answer within 2 s. ADMIN_PORT is that of the node; a node that has its admin port from a file only needs it here too.
 */
const question = process.argv[2] ?? 'live';
const port = process.env.ADMIN_PORT ?? '9090';

try {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz/${question}`, { signal: AbortSignal.timeout(2_000) });
  process.stdout.write(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer on port ${port}: ${error.message}\n`);
  process.exitCode = 1;
}
