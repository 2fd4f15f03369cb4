/** One partition, by name. */
export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** A member of a shared group, as the group sees it. */
export interface GroupMember {
  readonly topics: readonly string[];
  /** A new division of the partitions; an earlier one is over. */
  assign(generation: number, partitions: readonly PartitionName[]): void;
}

/** A shared group: divides partitions evenly, and refuses commits of an earlier division. */
export class MemoryGroup {
  private readonly partitionCountOf: (topic: string) => number;
  private readonly members: GroupMember[] = [];
  private readonly committed = new Map<string, number>();
  private currentGeneration = 0;

  /** `partitionCountOf` is 0 where there is no such topic. */
  constructor(partitionCountOf: (topic: string) => number) {
    this.partitionCountOf = partitionCountOf;
  }

  get generation(): number {
    return this.currentGeneration;
  }

  join(member: GroupMember): void {
    this.members.push(member);
    this.rebalance();
  }

  leave(member: GroupMember): void {
    const at = this.members.indexOf(member);
    if (at < 0) return;
    this.members.splice(at, 1);
    this.rebalance();
  }

  /** Null: nothing was committed. */
  committedOf(name: PartitionName): number | null {
    return this.committed.get(`${name.partition}/${name.topic}`) ?? null;
  }

  /** False when the partitions were divided anew since `generation`. */
  commit(generation: number, name: PartitionName, next: number): boolean {
    if (generation !== this.currentGeneration) return false;
    this.committed.set(`${name.partition}/${name.topic}`, next);
    return true;
  }

  forgetTopic(topic: string): void {
    for (const key of [...this.committed.keys()]) if (key.endsWith(`/${topic}`)) this.committed.delete(key);
  }

  onTopicChanged(topic: string): void {
    if (this.members.some((member) => member.topics.includes(topic))) this.rebalance();
  }

  private rebalance(): void {
    this.currentGeneration++;
    const shares = new Map<GroupMember, PartitionName[]>(this.members.map((member) => [member, []]));
    const topics = new Set(this.members.flatMap((member) => [...member.topics]));
    let turn = 0;
    for (const topic of topics) {
      const takers = this.members.filter((member) => member.topics.includes(topic));
      for (let partition = 0; partition < this.partitionCountOf(topic); partition++) {
        const taker = takers[turn++ % takers.length];
        if (taker !== undefined) shares.get(taker)?.push({ topic, partition });
      }
    }
    for (const [member, partitions] of shares) member.assign(this.currentGeneration, partitions);
  }
}
