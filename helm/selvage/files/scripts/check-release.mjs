// What `helm test` runs: a node is ready, and a stream opens by way of the public Service. Exits 0 when both hold, else 1 with what was seen.
import { readFileSync } from 'node:fs';

const { ADMIN_URL: adminUrl, PUBLIC_URL: publicUrl, CHANNEL: channel, TOKEN_FILE: tokenFile } = process.env;
const waitMs = Number(process.env.WAIT_MS ?? '90000');
const askMs = 10_000;
const pauseMs = 1_000;

async function isReady() {
  const answer = await fetch(`${adminUrl}/healthz/ready`, { signal: AbortSignal.timeout(askMs) });
  const { ready, conditions } = await answer.json();
  const unmet = conditions.filter(({ isMet }) => !isMet).map(({ name, reason }) => `${name}: ${reason}`);
  return ready ? null : `not ready (${unmet.join('; ')})`;
}

async function opensStream() {
  const token = tokenFile === undefined ? null : readFileSync(tokenFile, 'utf8').trim();
  const headers = { accept: 'text/event-stream', ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), askMs);
  try {
    const answer = await fetch(`${publicUrl}/v1/events?channel=${encodeURIComponent(channel)}`, { headers, signal: stop.signal });
    if (token === null && (answer.status === 401 || answer.status === 403)) return null;
    const kind = answer.headers.get('content-type') ?? '';
    if (answer.status !== 200 || !kind.startsWith('text/event-stream')) return `the stream answered ${answer.status} ${kind}`;
    const { value } = await answer.body.getReader().read();
    const text = Buffer.from(value ?? []).toString();
    return text.startsWith('retry:') ? null : `the stream began with ${JSON.stringify(text.slice(0, 100))}`;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function until(name, check) {
  const endMs = Date.now() + waitMs;
  for (;;) {
    const problem = await check().catch((error) => `${error.message}${error.cause === undefined ? '' : ` (${error.cause.message})`}`);
    if (problem === null) return console.log(`${name}: fine`);
    if (Date.now() >= endMs) throw new Error(`${name}: ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

try {
  await until('readiness', isReady);
  await until('stream', opensStream);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.exit(0);
