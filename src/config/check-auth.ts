import { KeyError, readSecretKey } from '../admission/identity/verification-key.js';
import type { OptionValues } from './options.js';

type Report = (path: string, message: string) => void;

/** What the options of identity promise together and do not keep. */
export function checkAuth({ auth, cors }: OptionValues, given: ReadonlySet<string>, report: Report): void {
  if (auth.cookies && cors.origins.includes('*')) {
    report('auth.cookies', 'must not be true where cors.origins is *: pages of every site could act as whoever is signed in');
  }
  checkCookie(auth, cors, given, report);
  if (auth.ticketSecret === null) {
    if (given.has('auth.ticketSeconds')) report('auth.ticketSeconds', 'means nothing without auth.ticketSecret');
    return;
  }
  try {
    readSecretKey(auth.ticketSecret, 'utf8', ['HS256']);
  } catch (error) {
    report('auth.ticketSecret', error instanceof KeyError ? error.message.replace('HS256', 'a ticket') : 'cannot be used');
  }
}

function checkCookie(
  { cookies, ...auth }: OptionValues['auth'],
  cors: OptionValues['cors'],
  given: ReadonlySet<string>,
  report: Report,
): void {
  if (!cookies) {
    for (const name of ['cookieName', 'cookieSameSite', 'cookiePartitioned']) {
      if (given.has(`auth.${name}`)) report(`auth.${name}`, 'means nothing without auth.cookies');
    }
    return;
  }
  const prefix = /^__(host|secure|http|host-http)-/i.exec(auth.cookieName)?.[0];
  if (prefix !== undefined && !['__Host-', '__Secure-'].includes(prefix)) {
    report('auth.cookieName', `must begin with __Host- or __Secure-, written so: not every browser takes ${prefix} for a promise`);
  }
  if (auth.cookieSameSite === 'none' && (!cors.credentials || cors.origins.length === 0)) {
    report('auth.cookieSameSite', 'must not be none without cors.origins and cors.credentials: it is for pages of other sites');
  }
  if (auth.cookiePartitioned && auth.cookieSameSite !== 'none') {
    report('auth.cookiePartitioned', 'needs auth.cookieSameSite none: no other cookie is sent from inside a page of another site');
  }
}
