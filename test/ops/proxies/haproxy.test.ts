import { describeBehindAProxy } from './behind-a-proxy.js';
import { describeAwayNodes } from './nodes-away.js';

describeBehindAProxy({
  kind: 'haproxy',
  asksReadiness: true,
  quietMs: 8_000,
  timeouts: [
    ['timeout client 75s', 'timeout client 3s'],
    ['timeout server 75s', 'timeout server 3s'],
  ],
});
describeAwayNodes('haproxy');
