import type { Admin } from 'kafkajs';
import { waitFor } from './wait-for.js';

/** Makes a topic that is not there, and waits for its leaders. kafkajs' own wait fails when the broker has not yet heard of the topic that it has just made. */
export async function createTopic(
  admin: Admin,
  topic: string,
  numPartitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const isMade = await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
  if (!isMade) throw new Error(`there is a topic ${topic} already`);
  await waitFor(async () => (await admin.fetchTopicOffsets(topic)).length === numPartitions, { what: `the leaders of topic ${topic}` });
}
