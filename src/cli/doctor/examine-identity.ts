import { fetchJwks } from '../../admission/identity/fetch-jwks.js';
import type { Issuer } from '../../admission/identity/issuer.js';
import { readJwks, readPemKeys, readSecretKey } from '../../admission/identity/verification-key.js';
import type { Config } from '../../config/config.js';
import { readFileSync } from 'node:fs';
import { systemEnvironment } from '../../std/system-environment.js';
import { reasonOf } from '../command-context.js';
import { dial } from './dial.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

/** Whether the keys that tokens are verified with can be had, and the application that permits streams. */
export async function examineIdentity(config: Config): Promise<readonly Finding[]> {
  const { issuers, open } = config.identity;
  const isOpen = open.read.length > 0 || open.publish.length > 0;
  const none = isOpen
    ? ok('no issuer: nobody is asked who they are')
    : warn(
        'no issuer, and nothing is open: nobody can read or publish',
        'set SELVAGE_JWKS_URL, SELVAGE_JWT_SECRET_FILE or auth.anonymousRead',
      );
  const findings = await Promise.all(issuers.map((issuer) => examineIssuer(issuer, config)));
  return [...(issuers.length === 0 ? [none] : findings), ...(await examineHook(config))];
}

async function examineIssuer({ name, keys, algorithms }: Issuer, { auth }: Config): Promise<Finding> {
  const who = `issuer ${name}`;
  try {
    switch (keys.kind) {
      case 'jwks-url': {
        const startedMs = performance.now();
        // A real timer of our own: those of the environment do not keep a process alive.
        const found = await fetchJwks(keys.url, auth, systemEnvironment);
        return ok(`${who}: ${found.length} keys from ${keys.url} in ${Math.round(performance.now() - startedMs)} ms`);
      }
      case 'jwks-file':
        return ok(`${who}: ${readJwks(readFileSync(keys.path, 'utf8')).length} keys in ${keys.path}`);
      case 'pem-files':
        return ok(
          `${who}: ${keys.paths.flatMap((path) => readPemKeys(readFileSync(path, 'utf8'))).length} keys in ${keys.paths.join(', ')}`,
        );
      case 'secret-files':
        for (const path of keys.paths) readSecretKey(readFileSync(path, 'utf8').replace(/\r?\n$/, ''), keys.encoding, algorithms);
        return ok(`${who}: a secret in ${keys.paths.join(', ')}`);
      case 'pem':
      case 'secret':
        return ok(`${who}: a key in the configuration`, 'a file is read again when the key is replaced');
    }
  } catch (error) {
    if (keys.kind !== 'jwks-url')
      return fail(`${who}: keys cannot be used: ${reasonOf(error)}`, 'see that the file is mounted and holds keys');
    return fail(
      `${who}: ${reasonOf(error)} (${keys.url})`,
      `see that the address is right and reachable from here; nodes that run believe the keys that they have for ${auth.jwksStaleSecondsMax} s`,
    );
  }
}

async function examineHook({ auth, streams }: Config): Promise<readonly Finding[]> {
  const { url } = auth.permissionHook;
  if (url === null) return [];
  const { hostname, port, protocol } = new URL(url);
  const reason = await dial(hostname.replace(/^\[|\]$/g, ''), Number(port || (protocol === 'https:' ? 443 : 80)));
  const asked = streams.filter(({ permission }) => permission === 'hook').length;
  if (reason === null) return [ok(`permission hook: ${url} takes connections (asked by ${asked} streams)`)];
  return [fail(`permission hook: ${url} cannot be reached: ${reason}`, `${asked} named streams let nobody in until it answers`)];
}
