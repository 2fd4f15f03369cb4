import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { provideCommand } from '../platform/provisioned.js';
import { channelsOf } from './records.js';
import type { RecordValue, TrueRecord } from './records.js';

/** Everything that a topic holds, read by a program that shares no code with the one under test. */
export async function readTruth(brokers: string, topic: string): Promise<TrueRecord[]> {
  provideCommand('kcat');
  const args = ['-C', '-b', brokers, '-t', topic, '-o', 'beginning', '-e', '-q', '-Z', '-f', '%p %o %k %s\\n'];
  const kcat = spawn('kcat', [...args, '-X', 'isolation.level=read_committed'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => kcat.once('close', resolve));
  let errors = '';
  kcat.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
  const records: TrueRecord[] = [];
  for await (const line of createInterface({ input: kcat.stdout })) records.push(parse(topic, line));
  const code = await ended;
  if (code !== 0) throw new Error(`kcat ended with ${String(code)} reading ${topic}: ${errors}`);
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function parse(topic: string, line: string): TrueRecord {
  const [partition = '', offset = '', key = ''] = line.split(' ', 3);
  const value = JSON.parse(line.slice(partition.length + offset.length + key.length + 3)) as RecordValue;
  return {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    n: value.n,
    seq: value.seq,
    at: value.at,
    kind: value.kind,
    session: value.session,
    channels: channelsOf(key === 'NULL' ? null : key, value),
  };
}
