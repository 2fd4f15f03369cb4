/** The servers of the tests (`test/platform`), for plain Node: compiled into `.cache/platform`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import kafkajs from 'kafkajs';
import ts from 'typescript';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** One of the files there, by its name. */
export async function loadPlatform(name) {
  const from = join(root, 'test', 'platform');
  const to = join(root, '.cache', 'platform');
  mkdirSync(to, { recursive: true });
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true };
  for (const file of readdirSync(from).filter((file) => file.endsWith('.ts'))) {
    const [source, target] = [join(from, file), join(to, file.replace(/\.ts$/, '.js'))];
    if (existsSync(target) && statSync(target).mtimeMs > statSync(source).mtimeMs) continue;
    const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), { compilerOptions });
    // Another process may be reading it.
    writeFileSync(`${target}.${process.pid}`, outputText);
    renameSync(`${target}.${process.pid}`, target);
  }
  return import(pathToFileURL(join(to, `${name}.js`)).href);
}

/** A Kafka of our own; `{brokers, createTopic, close}`. */
export async function startKafka() {
  const { KafkaCluster } = await loadPlatform('kafka-cluster');
  const { createTopic } = await loadPlatform('create-topic');
  const cluster = await KafkaCluster.start();
  const kafka = new kafkajs.Kafka({ clientId: 'bench-admin', brokers: cluster.brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  let made = 0;
  return {
    brokers: cluster.brokers,
    /** A fresh topic; its name. */
    createTopic: async (numPartitions) => {
      const topic = `bench-${process.pid}-${++made}`;
      await createTopic(admin, topic, numPartitions);
      return topic;
    },
    close: async () => {
      await admin.disconnect().catch(() => undefined);
      await cluster.close();
    },
  };
}

export async function findFreePort() {
  const { freePort } = await loadPlatform('free-port');
  return freePort();
}
