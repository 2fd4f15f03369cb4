import { describeBehindAProxy } from './behind-a-proxy.js';
import { describeAwayNodes } from './nodes-away.js';

describeBehindAProxy({
  kind: 'envoy',
  asksReadiness: true,
  quietMs: 16_500,
  timeouts: [['stream_idle_timeout: 75s', 'stream_idle_timeout: 3s']],
});
describeAwayNodes('envoy');
