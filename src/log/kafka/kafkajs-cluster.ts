import type { Kafka, Message } from 'kafkajs';
import { LogError } from '../event-log.js';

/** One leader's connection, as kafkajs has it inside. */
export interface KafkajsBroker {
  initProducerId(request: { readonly transactionTimeout: number }): Promise<{ readonly producerId: string }>;
  /** Rejects with the first partition's error. */
  produce(request: ProduceRequest): Promise<ProduceResponse>;
}

export interface ProduceRequest {
  readonly acks: -1;
  /** How long the leader waits for its followers, in ms. */
  readonly timeout: number;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly firstSequence: number; readonly messages: readonly Message[] }[];
  }[];
}

export interface ProduceResponse {
  readonly topics: readonly { readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[] }[];
}

/** What kafkajs' own producer is built on: connections and metadata, without its sequence numbers and retries. */
export interface KafkajsCluster {
  readonly targetTopics: Set<string>;
  isConnected(): boolean;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  findBroker(node: { readonly nodeId: string }): Promise<KafkajsBroker>;
  removeBroker(address: { readonly host: string; readonly port: number }): void;
}

interface ClusterOptions {
  readonly metadataMaxAge: number;
  readonly allowAutoTopicCreation: false;
}

/** Opens a client's inner cluster; nothing connects yet. Only for the version that `quietRequestQueue` checks. */
export function openKafkajsCluster(kafka: Kafka, metadataMaxAgeMs: number): KafkajsCluster {
  const name = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster');
  if (name === undefined) throw new LogError('kafkajs has other insides than those that are known', false);
  const create = (kafka as unknown as Record<symbol, (options: ClusterOptions) => KafkajsCluster>)[name];
  if (create === undefined) throw new LogError('kafkajs has other insides than those that are known', false);
  return create({ metadataMaxAge: metadataMaxAgeMs, allowAutoTopicCreation: false });
}
