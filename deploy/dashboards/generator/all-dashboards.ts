import type { Dashboard } from './grafana-model.js';
import { kafkaAndIndexer } from './kafka-and-indexer.js';
import { limitsAndAbuse } from './limits-and-abuse.js';
import { overview } from './overview.js';
import { processDashboard } from './process.js';
import { resumeAndReplay } from './resume-and-replay.js';

/** In the order in which somebody who was woken opens them. The file of each is `<uid>.json`. */
export const allDashboards: readonly Dashboard[] = [overview, resumeAndReplay, kafkaAndIndexer, limitsAndAbuse, processDashboard];
