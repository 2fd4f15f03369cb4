/** A listener beside the plain one. */
export interface BrokerListener {
  readonly protocol: string;
  readonly port: number;
  /** The port that clients are told, when something stands between them and the broker. */
  readonly advertisedPort?: number;
}

/** What one broker needs to know of itself and the others. */
export interface BrokerSeat {
  readonly nodeId: number;
  readonly port: number;
  readonly controllerPort: number;
  /** By name. */
  readonly listeners?: Readonly<Record<string, BrokerListener>>;
}

/** The `server.properties` of one broker that is also a controller; `overrides` win. One seat: single node; several: all are voters. */
export function brokerProperties(
  seat: BrokerSeat,
  seats: readonly BrokerSeat[],
  dataPath: string,
  overrides: Readonly<Record<string, string>>,
): string {
  const copies = String(Math.min(3, seats.length));
  const copiesInSync = seats.length >= 3 ? '2' : '1';
  const host = '127.0.0.1';
  const extra = Object.entries(seat.listeners ?? {});
  const plain = `PLAINTEXT://${host}:${String(seat.port)}`;
  const open = [plain, ...extra.map(([name, { port }]) => `${name}://${host}:${String(port)}`)];
  const advertised = [plain, ...extra.map(([name, { port, advertisedPort = port }]) => `${name}://${host}:${String(advertisedPort)}`)];
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(seat.nodeId),
    ...quorum(seats, host),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: [...open, `CONTROLLER://${host}:${String(seat.controllerPort)}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': [
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      ...extra.map(([name, { protocol }]) => `${name}:${protocol}`),
    ].join(','),
    'log.dirs': dataPath,
    'default.replication.factor': copies,
    'min.insync.replicas': copiesInSync,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': copiesInSync,
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': copiesInSync,
    'share.coordinator.state.topic.num.partitions': '1',
    // The broker's own default is 3000: every join of a fresh group then takes 3 s.
    'group.initial.rebalance.delay.ms': '0',
    // 9000 by default: for so long a killed broker is still named in metadata, and refused when it comes back.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'auto.create.topics.enable': 'false',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'num.network.threads': '2',
    'num.io.threads': '2',
    ...overrides,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function quorum(seats: readonly BrokerSeat[], host: string): Record<string, string> {
  if (seats.length === 1) return { 'controller.quorum.bootstrap.servers': `${host}:${String(seats[0]?.controllerPort)}` };
  const voters = seats.map((other) => `${String(other.nodeId)}@${host}:${String(other.controllerPort)}`);
  return { 'controller.quorum.voters': voters.join(',') };
}
