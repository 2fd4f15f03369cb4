import { describe } from 'vitest';
import { describePolling } from './polling.js';
import { describeRequests } from './requests.js';
import { describeResume } from './resume.js';
import { describeStreamShape } from './stream-shape.js';
import { describeSubscriptions } from './subscriptions.js';
import type { TargetOf } from './target.js';

/**
 * What PROTOCOL.md promises, seen from outside: HTTP alone, through nothing but a base URL. The fabric must let anybody publish to any channel,
 * as it does when no routes are configured.
 */
export function describeConformance(name: string, targetOf: TargetOf): void {
  describe(name, () => {
    describeStreamShape(targetOf);
    describeResume(targetOf);
    describeSubscriptions(targetOf);
    describePolling(targetOf);
    describeRequests(targetOf);
  });
}
