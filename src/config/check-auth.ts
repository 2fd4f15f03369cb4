import { KeyError, readSecretKey } from '../admission/identity/verification-key.js';
import type { OptionValues } from './options.js';

/** What the options of identity promise together and do not keep. */
export function checkAuth({ auth, cors }: OptionValues, given: ReadonlySet<string>, report: (path: string, message: string) => void): void {
  if (auth.cookies && cors.origins.includes('*')) {
    report('auth.cookies', 'must not be true where cors.origins is *: pages of every site could act as whoever is signed in');
  }
  if (!auth.cookies && given.has('auth.cookieName')) report('auth.cookieName', 'means nothing without auth.cookies');
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
