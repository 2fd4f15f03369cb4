import kafkajs from 'kafkajs';
import { KafkaEventLog } from '../../../src/log/kafka/kafka-event-log.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { describeEventLog } from '../../contract/event-log-contract.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { createTopic } from '../../platform/create-topic.js';
import { silentLogger } from '../../contract/event-log-silent-logger.js';

describeEventLog('kafka', async () => {
  const brokers = sharedKafka().brokers.split(',');
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    open: async () => {
      const log = new KafkaEventLog(
        { connection: { brokers }, node: uniqueName('node'), tail: { lookMs: 500 } },
        systemEnvironment,
        silentLogger,
      );
      await log.connect();
      return log;
    },
    createTopic: (topic, partitionCount) => createTopic(admin, topic, partitionCount),
    addPartitions: async (topic, count) => {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    },
    deleteTopic: async (topic) => {
      await admin.deleteTopics({ topics: [topic] });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    },
    trim: async (topic, partition, low) => {
      // kafkajs looks for the leader before it asks who leads.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(low) }] });
    },
    close: async () => admin.disconnect(),
  };
});
