import { MemoryBroker } from '../../../src/log/memory/memory-broker.js';
import { MemoryEventLog } from '../../../src/log/memory/memory-event-log.js';
import { systemEnvironment } from '../../../src/std/system-environment.js';
import { describeEventLog } from '../../contract/event-log-contract.js';

describeEventLog('memory', async () => {
  const broker = new MemoryBroker('memory', { recordsMax: 50_000, bytesMax: 64 * 1024 * 1024 });
  return {
    open: async () => new MemoryEventLog({ broker, metadataRefreshMs: 50 }, systemEnvironment),
    createTopic: async (topic, partitionCount) => broker.createTopic(topic, { partitionCount }),
    addPartitions: async (topic, partitionCount) => broker.addPartitions(topic, partitionCount),
    deleteTopic: async (topic) => broker.deleteTopic(topic),
    trim: async (topic, partition, low) => broker.trim(topic, partition, low),
    close: async () => {},
  };
});
