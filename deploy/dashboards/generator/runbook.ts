import type { PanelLink } from './grafana-model.js';

/** Alerts of deploy/prometheus that panels lead to; each has a section of deploy/RUNBOOK.md. */
export type Alert =
  | 'SelvageConnectsFailing'
  | 'SelvageDeliverySlow'
  | 'SelvageResumesGapped'
  | 'SelvageDown'
  | 'SelvageNodeDown'
  | 'SelvageNodeNotReady'
  | 'SelvageEventLoopHeldUp'
  | 'SelvageMemoryNearLimit'
  | 'SelvageNoDelivery'
  | 'SelvageTailStalled'
  | 'SelvageTailLagging'
  | 'SelvageTailHole'
  | 'SelvageTopicBeganAnew'
  | 'SelvageRedisAway'
  | 'SelvageWindowUnusable'
  | 'SelvageWindowFailing'
  | 'SelvageIndexerLagging'
  | 'SelvageIndexerStopped'
  | 'SelvageSlowReaders'
  | 'SelvageReconnectStorm'
  | 'SelvageReadersLate'
  | 'SelvageConnectionsNearLimit'
  | 'SelvageRecentFull'
  | 'SelvageReplaysQueued'
  | 'SelvageLimitsRefusing'
  | 'SelvageKeysStale'
  | 'SelvageIdentityUnavailable'
  | 'SelvagePermissionHookFailing'
  | 'SelvageDeadLetters'
  | 'SelvageKeyedBreach'
  | 'SelvageRouteMismatch'
  | 'SelvagePublishFailing'
  | 'SelvageControlLagging'
  | 'SelvageControlCommandsFailing'
  | 'SelvageRevocationsWidened';

/** Where the RUNBOOK is read; the dashboards' hidden variable `runbook`, so that an own copy is one change. */
export const runbookUrl = 'https://github.com/selvage/selvage/blob/main/deploy/RUNBOOK.md';

/** A link to the alert's section. */
export function runbookLink(alert: Alert): PanelLink {
  return { title: `RUNBOOK: ${alert}`, url: `\${runbook}#${alert.toLowerCase()}`, targetBlank: true };
}
