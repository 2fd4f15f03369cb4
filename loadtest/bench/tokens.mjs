/** Tokens of the bench's users, and the secret that they are signed with. */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachePath } from './programs.mjs';

export const secret = 'a secret of the bench, with more than thirty-two bytes';

/** A token for each user, one a line; the path of the file. */
export function writeTokens(users) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const tokens = Array.from({ length: users }, (_, i) => {
    const claims = { sub: `user-${i}`, iat: nowSeconds, exp: nowSeconds + 7_200, jti: `token-${i}`, selvage: { read: ['**'] } };
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  });
  const path = join(cachePath, 'tokens.txt');
  writeFileSync(path, tokens.join('\n') + '\n');
  return path;
}
