import { readFileSync } from 'node:fs';
import type { Config } from '../../config/config.js';
import { LogError } from '../../log/event-log.js';
import type { BrokerAddress, KafkaSurvey } from '../../log/kafka/kafka-survey.js';
import { indexerGroupOf } from '../../compose-options.js';
import { routedTopicsOf } from '../routed-topics.js';
import { withKafka } from '../with-kafka.js';
import { dial, readPeerCertificate } from './dial.js';
import { examineCertificate } from './examine-certificates.js';
import { fail, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

/** An API that a release brought, newest first: brokers do not tell their release, only what they answer. */
const releaseMarks: readonly (readonly [api: number, versionMin: number, release: string])[] = [
  [90, 0, '4.1'],
  [76, 0, '4.0'],
  [75, 0, '3.8'],
  [71, 0, '3.7'],
  [68, 0, '3.5'],
  [65, 0, '3.0'],
  [60, 0, '2.8'],
  [57, 0, '2.7'],
  [48, 0, '2.6'],
  [45, 0, '2.4'],
];
const releaseMin = '2.4';
/** With many brokers some say enough. */
const brokersDialledMax = 30;

/** Whether the brokers can be reached as they announce themselves, what they are, and what this user may do. */
export async function examineKafka(config: Config): Promise<readonly Finding[]> {
  const brokers = (config.kafka.brokers ?? []).join(', ');
  try {
    return await withKafka(config, async (survey) => {
      const startedMs = performance.now();
      const clusterId = await survey.clusterId();
      const answered = ok(`cluster ${clusterId} answers at ${brokers} in ${Math.round(performance.now() - startedMs)} ms`);
      const known = await survey.brokers();
      return [
        answered,
        await examineRelease(survey),
        ...(await examineBrokers(config, known)),
        ...(await examineSettings(config, survey, known)),
        ...(await examinePermissions(config, survey)),
      ];
    });
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return [fail(`Kafka does not answer at ${brokers}: ${causeOf(error)}`, mendOf(causeOf(error)))];
  }
}

function causeOf(error: LogError): string {
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}

function mendOf(cause: string): string {
  if (/SASL|authenticat/i.test(cause)) return 'see kafka.sasl: mechanism, user and password (the file is read again at each connect)';
  if (/certificate|self.signed|SSL|TLS|wrong version/i.test(cause))
    return 'see kafka.tls: is TLS on, and does caFile hold the authority of the brokers?';
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo/.test(cause)) return 'the name of a broker is not known here: see kafka.brokers and DNS';
  return 'see kafka.brokers, the network between, and whether the listener speaks TLS or SASL (kafka.tls, kafka.sasl)';
}

async function examineRelease(survey: KafkaSurvey): Promise<Finding> {
  const versions = await survey.apiVersions().catch(() => null);
  if (versions === null) return warn('the release of the brokers is not known', null);
  const mark = releaseMarks.find(([api, versionMin]) => (versions.get(api) ?? -1) >= versionMin);
  if (mark === undefined) return fail(`the brokers are older than Kafka ${releaseMin}`, 'upgrade them');
  return ok(`the brokers are of Kafka ${mark[2]} or later`);
}

async function examineBrokers({ kafka }: Config, brokers: readonly BrokerAddress[]): Promise<readonly Finding[]> {
  const dialled = brokers.slice(0, brokersDialledMax);
  const reasons = await Promise.all(dialled.map(({ host, port }) => dial(host, port)));
  const lost = dialled.flatMap(({ nodeId, host, port }, i) => {
    const reason = reasons[i] ?? null;
    return reason === null
      ? []
      : [
          fail(
            `broker ${nodeId} announces itself as ${host}:${port}, which cannot be reached: ${reason}`,
            'see advertised.listeners of the broker, and DNS and network here',
          ),
        ];
  });
  const reached = dialled.length - lost.length;
  const findings = reached > 0 ? [ok(`${reached} of ${brokers.length} brokers can be reached as they announce themselves`)] : [];
  if (brokers.length < 3)
    findings.push(
      warn(
        `the cluster has ${brokers.length} ${brokers.length === 1 ? 'broker' : 'brokers'}`,
        'with 3 a broker can be lost without losing events',
      ),
    );
  return [...findings, ...lost, ...(kafka.tls.enabled ? await examineBrokerCertificates(kafka.tls.caFile, dialled) : [])];
}

async function examineBrokerCertificates(caFile: string | null, brokers: readonly BrokerAddress[]): Promise<readonly Finding[]> {
  const ca = caFile === null ? {} : { ca: readFileSync(caFile, 'utf8') };
  return Promise.all(
    brokers.map(async ({ nodeId, host, port }) => {
      const peer = await readPeerCertificate(host, port, ca);
      const who = `broker ${nodeId}`;
      if (typeof peer === 'string') return fail(`${who} does not speak TLS at ${host}:${port}: ${peer}`, 'see its listeners');
      if (peer.problem !== null)
        return fail(`${who}: its certificate is not believed: ${peer.problem}`, 'see kafka.tls.caFile, and the names in the certificate');
      return examineCertificate(who, peer.certificate);
    }),
  );
}

async function examineSettings({ kafka }: Config, survey: KafkaSurvey, [first]: readonly BrokerAddress[]): Promise<readonly Finding[]> {
  const settings = first === undefined ? null : await survey.brokerSettings(first.nodeId).catch(() => null);
  if (settings === null) return [ok('the settings of brokers are not shown to this user (DescribeConfigs on the cluster)')];
  const findings: Finding[] = [];
  if (settings.get('auto.create.topics.enable') === 'true') {
    findings.push(
      warn(
        'brokers create topics that somebody merely names (auto.create.topics.enable)',
        'switch it off: a mistyped topic is otherwise made, with one partition',
      ),
    );
  }
  if (settings.get('unclean.leader.election.enable') === 'true') {
    findings.push(
      warn(
        'brokers elect leaders that lack events (unclean.leader.election.enable)',
        'switch it off: positions would speak of other events',
      ),
    );
  }
  if (kafka.rackId !== null && (settings.get('replica.selector.class') ?? '') === '') {
    findings.push(
      warn(
        'kafka.rackId is set, and brokers serve fetches from leaders alone',
        'set replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector on the brokers',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok('the settings of brokers are fine')];
}

async function examinePermissions(config: Config, survey: KafkaSurvey): Promise<readonly Finding[]> {
  const acls = await survey.acls();
  const { tls, sasl } = config.kafka;
  if (acls.kind === 'off') {
    const what = 'brokers ask nobody for permission: whoever reaches them may read everything, and end streams by the control topic';
    return [
      sasl.mechanism === null && !tls.enabled
        ? warn(what, 'an authorizer and SASL, or a network that only its users reach')
        : warn(what, 'set authorizer.class.name on the brokers'),
    ];
  }
  const told =
    acls.kind === 'rules'
      ? ok(`brokers have ${acls.count} rules of permission`)
      : ok('brokers ask for permission; their rules are not shown to this user');
  const groups = await Promise.all(groupsOf(config).map(async (group) => ({ group, reason: await refusalOf(survey, group) })));
  const refused = groups.flatMap(({ group, reason }) =>
    reason === null ? [] : [fail(`the group ${group} may not be used: ${reason}`, `grant Read on groups ${config.group}-* (prefixed)`)],
  );
  const may = ok('this user may ask for offsets and groups; whether it may write cannot be asked without writing', null);
  return [told, ...(refused.length > 0 ? refused : [may])];
}

/** One of those that edges use, and that of indexers. */
function groupsOf(config: Config): readonly string[] {
  const isEdge = config.roles.includes('edge');
  const isIndexer = config.roles.includes('indexer') && config.redis.url !== null;
  return [...(isEdge ? [`${config.group}-tail-doctor`] : []), ...(isIndexer ? [indexerGroupOf(config, routedTopicsOf(config))] : [])];
}

async function refusalOf(survey: KafkaSurvey, group: string): Promise<string | null> {
  try {
    await survey.memberCount(group);
    return null;
  } catch (error) {
    return error instanceof LogError ? causeOf(error) : String(error);
  }
}
