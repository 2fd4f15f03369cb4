/**
 * Tasks that make progress, for something to look at: five at a time, each from 0 to 100, then the next. A record's key is the task, its value is JSON with a type, a
 * `progress`, and the time it was made. KAFKA_BROKERS, TOPIC, EVERY_MS (between records, default 200).
 */
import kafkajs from 'kafkajs';

const { KAFKA_BROKERS = 'localhost:29092', TOPIC = 'tasks', EVERY_MS = '200' } = process.env;
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
  const value = JSON.stringify({ type: progress >= 100 ? 'complete' : 'progress', task, progress, time: new Date().toISOString() });
  await producer.send({ topic: TOPIC, messages: [{ key: task, value }] });
  progressOf.set(task, progress >= 100 ? 0 : progress + step);
  await new Promise((resolve) => setTimeout(resolve, Number(EVERY_MS)));
}
await producer.disconnect();
