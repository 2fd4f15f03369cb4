/**
 * Tasks that make progress, for something to look at: five at a time, each from 0 to 100, for ever. A record's key is the task's channel, its header the type of the event,
 * its value JSON. KAFKA_BROKERS, TOPIC, EVERY_MS (between records, default 200).
 */
import kafkajs from 'kafkajs';

const { KAFKA_BROKERS = 'localhost:29092', TOPIC = 'selvage.events', EVERY_MS = '200' } = process.env;
const tasks = ['t1', 't2', 't3', 't4', 't5'];
const step = 2;

const kafka = new kafkajs.Kafka({ clientId: 'producer', brokers: KAFKA_BROKERS.split(','), retry: { retries: 100 } });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
await producer.connect();

let isStopping = false;
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => (isStopping = true));

const progressOf = new Map(tasks.map((task, at) => [task, at * 10]));
for (let turn = 0; !isStopping; turn++) {
  const task = tasks[turn % tasks.length];
  const progress = progressOf.get(task);
  const type = progress >= 100 ? 'complete' : 'progress';
  const value = JSON.stringify({ task, progress, time: new Date().toISOString() });
  await producer.send({ topic: TOPIC, messages: [{ key: `task.${task}`, value, headers: { 'selvage-type': type } }] });
  progressOf.set(task, progress >= 100 ? 0 : progress + step);
  await new Promise((resolve) => setTimeout(resolve, Number(EVERY_MS)));
}
await producer.disconnect();
