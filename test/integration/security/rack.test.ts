import { connect } from 'node:net';
import kafkajs from 'kafkajs';
import type { ISocketFactory } from 'kafkajs';
import { expect, test } from 'vitest';
import { ConsumerSession } from '../../../src/log/kafka/consumer-session.js';
import { KafkaFixture } from '../../platform/kafka-fixture.js';
import { sharedKafka } from '../../platform/shared-services.js';
import { uniqueName } from '../../platform/unique-name.js';
import { waitFor } from '../../platform/wait-for.js';

const fetchKey = 1;

test('every fetch names the zone of the node, by which a broker chooses the replica', async () => {
  const { brokers } = sharedKafka();
  const fixture = await KafkaFixture.connect(brokers);
  const topic = await fixture.makeTopic();
  await fixture.close();
  const fetches: Buffer[] = [];
  const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect);
    const write = socket.write.bind(socket);
    socket.write = (data: Buffer, ...rest: []) => {
      // Size, then the key of the request.
      if (Buffer.from(data).readInt16BE(4) === fetchKey) fetches.push(Buffer.from(data));
      return write(data, ...rest);
    };
    return socket;
  };
  const client = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING, socketFactory });
  const rackId = uniqueName('zone');
  const options = { concurrency: 1, maxWaitTimeInMs: 100, maxBytes: 1e6, maxBytesPerPartition: 1e6, metadataMaxAgeMs: 5_000, rackId };
  const times = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 10_000 };
  const handlers = { onJoined: () => undefined, onBatch: () => Promise.resolve(), onEmptied: () => undefined, onCrash: () => undefined };
  const session = new ConsumerSession(client, { groupId: uniqueName('rack'), topics: [topic], ...options, ...times }, handlers);
  void session.start();
  await waitFor(() => fetches.length > 1, { what: 'two fetches', timeoutMs: 20_000 });
  await session.stop();
  expect(fetches.filter((fetched) => !fetched.includes(rackId))).toEqual([]);
});
