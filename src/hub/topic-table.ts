import { topicTag } from '../protocol/position.js';
import type { RoutedTopic } from '../routing/router.js';
import { TopicLog } from './topic-log.js';

/** The routed topics of a node, and the tag of the cluster that they live in. */
export class TopicTable {
  readonly clusterTag: string;
  readonly #byName = new Map<string, TopicLog>();
  readonly #byTag = new Map<string, TopicLog>();

  constructor(clusterTag: string, topics: readonly RoutedTopic[]) {
    this.clusterTag = clusterTag;
    for (const [serial, { topic, generation, keyed }] of topics.entries()) {
      const log = new TopicLog(topic, topicTag(topic, generation), serial, keyed);
      log.latestIsInLog = topics[serial]?.latestIsInLog ?? false;
      this.#byName.set(topic, log);
      this.#byTag.set(log.tag, log);
    }
  }

  get(topic: string): TopicLog | undefined {
    return this.#byName.get(topic);
  }

  byTag(tag: string): TopicLog | undefined {
    return this.#byTag.get(tag);
  }

  all(): TopicLog[] {
    return [...this.#byName.values()];
  }
}
