import { describeBehindAProxy } from './behind-a-proxy.js';
import { describeAwayNodes } from './nodes-away.js';

describeBehindAProxy({
  kind: 'nginx',
  asksReadiness: false,
  quietMs: 8_000,
  timeouts: [['proxy_read_timeout 75s', 'proxy_read_timeout 3s']],
});
describeAwayNodes('nginx');
