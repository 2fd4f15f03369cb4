import { Principals } from '../admission/identity/principals.js';
import type { Config } from '../config/config.js';
import { createRouter } from '../routing/create-router.js';
import type { PublishTarget } from '../routing/router.js';

const channel = 'demo';
const tokenSeconds = 600;
const nothing = (): void => undefined;

/** What somebody who started a node by hand is told: lines that work with this configuration as they stand, in a shell, or what is missing for that. */
export function welcomeText(config: Config, port: number): string {
  const base = addressOf(config, port);
  const anonymous = new Principals(config.identity.open).anonymous;
  const target = createRouter(config.routes, { unrouted: nothing, channelSkipped: nothing, typeReplaced: nothing }).publishTargetOf(
    channel,
  );
  const needs = { read: !anonymous.read.allows(channel), publish: !anonymous.publish.allows(channel) };
  const served = `Selvage serves ${base} with everything in this process's memory.`;
  if (target === null) return `\n${served} The routes of the configuration say which channels there are.\n\n`;
  if ((needs.read || needs.publish) && config.identity.issuers.length === 0) return `\n${served} ${closedText}\n\n`;
  const token = needs.read || needs.publish ? `${tokenText(config)}\n\nThen, in two terminals that have TOKEN:` : 'Try, in two terminals:';
  return `\n${served} ${token}\n\n  ${readLine(config, base, needs.read)}\n  ${publishLine(config, base, needs.publish, target)}\n\n`;
}

const closedText =
  'Nobody may read or publish yet: set SELVAGE_JWT_SECRET, or for yourself alone SELVAGE_AUTH_ANONYMOUS_READ=** and SELVAGE_AUTH_ANONYMOUS_PUBLISH=**.';

function addressOf({ host, basePath, tls }: Config, port: number): string {
  const isAny = host === '' || host === '0.0.0.0' || host === '::';
  const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `${tls.certFile === null ? 'http' : 'https'}://${name}:${port}${basePath}`;
}

/** A certificate for this address is rare. */
const curlOf = ({ tls }: Config): string => (tls.certFile === null ? 'curl' : 'curl -k');
const bearer = (isNeeded: boolean): string => (isNeeded ? ' -H "Authorization: Bearer $TOKEN"' : '');

function readLine(config: Config, base: string, needsToken: boolean): string {
  return `${curlOf(config)} -N${bearer(needsToken)} '${base}/v1/events?channel=${channel}'`;
}

function publishLine(config: Config, base: string, needsToken: boolean, target: PublishTarget): string {
  const type = target.typeHeaders.length === 0 ? {} : { type: 'greeting' };
  const event = JSON.stringify({ channel, ...type, data: { hello: 'world' } });
  return `${curlOf(config)} -X POST${bearer(needsToken)} '${base}/v1/publish' -H 'content-type: application/json' -d '${event}'`;
}

/** How to get a token: made on the spot where tokens are signed with the secret that the environment gave, else described. */
function tokenText({ identity, auth, secretFiles }: Config): string {
  const [issuer] = identity.issuers;
  if (issuer === undefined) return '';
  const claims = {
    ...(issuer.issuer === null ? {} : { iss: issuer.issuer }),
    ...(issuer.audiences === null ? {} : { aud: issuer.audiences[0] }),
    [issuer.claims.subject]: 'me',
    [issuer.claims.grants]: { read: [channel], publish: [channel] },
  };
  const path = secretFiles['auth.jwtSecret'];
  const isMade = auth.jwtSecret !== null && !issuer.claims.subject.includes('.') && !issuer.claims.grants.includes('.');
  if (!isMade) return `Callers need a token of ${issuer.name}, a JWT with these claims and an "exp":\n\n  ${JSON.stringify(claims)}`;
  const secret =
    path === undefined
      ? 'process.env.SELVAGE_JWT_SECRET'
      : `require("fs").readFileSync(${JSON.stringify(path)}, "utf8").replace(/\\r?\\n$/, "")`;
  const seconds = Math.min(tokenSeconds, issuer.lifetimeSecondsMax);
  const script = [
    'const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url")',
    `const text = part({ alg: "HS256", typ: "JWT" }) + "." + part({ ...${JSON.stringify(claims)}, exp: Math.floor(Date.now() / 1000) + ${seconds} })`,
    `console.log(text + "." + require("crypto").createHmac("sha256", ${secret}).update(text).digest("base64url"))`,
  ].join('; ');
  const has = path === undefined ? ', in a shell that has SELVAGE_JWT_SECRET' : '';
  return `Callers need a token. One for ${seconds} s${has}:\n\n  TOKEN=$(node -e '${script.replaceAll("'", "'\\''")}')`;
}
