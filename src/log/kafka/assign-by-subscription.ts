import kafkajs from 'kafkajs';
import type { Cluster, GroupMember, PartitionAssigner } from 'kafkajs';

const { AssignerProtocol } = kafkajs;

/**
 * Divides each topic among the members that asked for it. kafkajs' own assigner divides the leader's topics among all members: while nodes with other routes are in the group,
 * as in a roll-out, partitions would go to members that drop them, and nobody would read those of topics that the leader does not know. It bears the name of kafkajs' own, so
 * that members of older builds can be in the group.
 */
export const assignBySubscription: PartitionAssigner = ({ cluster }) => ({
  name: 'RoundRobinAssigner',
  version: 0,
  async assign({ members, topics }) {
    const asking = membersByTopic(members);
    const unknown = [...asking.keys()].filter((topic) => !topics.includes(topic));
    await learnOf(cluster, unknown);
    const assigned = new Map<string, Record<string, number[]>>(members.map(({ memberId }) => [memberId, {}]));
    let turn = 0;
    for (const [topic, memberIds] of asking) {
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const own = assigned.get(memberIds[turn++ % memberIds.length] ?? '');
        if (own !== undefined) (own[topic] ??= []).push(partitionId);
      }
    }
    return [...assigned].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData: Buffer.alloc(0) }),
    }));
  },
  protocol({ topics }) {
    return { name: this.name, metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }) };
  },
});

/** Topic → the members that asked for it; both in order, so that every leader divides alike. */
function membersByTopic(members: readonly GroupMember[]): ReadonlyMap<string, readonly string[]> {
  const asking = new Map<string, string[]>();
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  for (const { memberId, memberMetadata } of sorted) {
    for (const topic of AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? []) {
      asking.set(topic, [...(asking.get(topic) ?? []), memberId]);
    }
  }
  return new Map([...asking].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A topic that is gone again, or that this member may not see, has no partitions to divide. */
async function learnOf(cluster: Cluster, topics: readonly string[]): Promise<void> {
  for (const topic of topics) await cluster.addMultipleTargetTopics([topic]).catch(() => undefined);
}
