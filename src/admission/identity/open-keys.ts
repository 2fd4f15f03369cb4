import { FileKeys, fixedKeys } from './file-keys.js';
import type { KeySourceContext } from './file-keys.js';
import type { Algorithm, KeySpec } from './issuer.js';
import { JwksKeys } from './jwks-keys.js';
import type { KeySource } from './key-source.js';
import { readJwks, readPemKeys, readSecretKey } from './verification-key.js';

/** The keys that a specification means. Throws a `KeyError` for keys given as text that cannot be used. */
export function openKeys(name: string, spec: KeySpec, algorithms: readonly Algorithm[], context: KeySourceContext): KeySource {
  switch (spec.kind) {
    case 'secret':
      return fixedKeys([readSecretKey(spec.text, spec.encoding, algorithms)]);
    case 'secret-files':
      return new FileKeys(name, spec.paths, (text) => [readSecretKey(text.replace(/\r?\n$/, ''), spec.encoding, algorithms)], context);
    case 'pem':
      return fixedKeys(readPemKeys(spec.text));
    case 'pem-files':
      return new FileKeys(name, spec.paths, readPemKeys, context);
    case 'jwks-file':
      return new FileKeys(name, [spec.path], readJwks, context);
    case 'jwks-url':
      return new JwksKeys(name, spec.url, context);
  }
}
