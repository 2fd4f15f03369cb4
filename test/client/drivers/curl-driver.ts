import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordedStream } from '../sse-client.js';
import type { SseClient } from '../sse-client.js';

/** What a shell script around curl keeps between two runs of it. */
interface Memory {
  lastEventId: string;
  retryMs: number;
}

const statusMark = '\n--status ';

/** `curl -N` in a loop, as a shell script uses it: after its end, again with the last id, until the answer is a 204. */
export function createCurlClient(): SseClient {
  return {
    endsOn204: true,
    hearsEveryName: true,
    connect(url, { lastEventId = '' }) {
      let isClosed = false;
      let curl: ChildProcess | undefined;
      const stream = new RecordedStream(async () => {
        isClosed = true;
        curl?.kill('SIGKILL');
        await following;
      });
      const follow = async (): Promise<void> => {
        const memory: Memory = { lastEventId, retryMs: 1_000 };
        while (!isClosed) {
          curl = startCurl(url, memory.lastEventId);
          const status = await readOutput(curl, memory, stream);
          if (status === '204') {
            stream.isOver = true;
            return;
          }
          if (!isClosed) await sleep(memory.retryMs);
        }
      };
      const following = follow();
      return stream;
    },
  };
}

function startCurl(url: string, lastEventId: string): ChildProcess {
  const position = lastEventId === '' ? [] : ['-H', `Last-Event-ID: ${lastEventId}`];
  const args = ['-s', '-N', '--http1.1', '-H', 'Accept: text/event-stream', ...position, '-w', `${statusMark}%{http_code}\n`, url];
  return spawn('curl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Takes events from the output until curl ends; returns the status of its answer. */
async function readOutput(curl: ChildProcess, memory: Memory, stream: RecordedStream): Promise<string> {
  let text = '';
  let hasOpened = false;
  curl.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (!hasOpened && text.startsWith('retry:')) {
      hasOpened = true;
      stream.openedCount++;
    }
    const end = text.lastIndexOf('\n\n');
    if (end < 0) return;
    for (const block of text.slice(0, end).split('\n\n')) takeBlock(block, memory, stream);
    text = text.slice(end + 2);
  });
  await new Promise((resolve) => curl.once('close', resolve));
  return text.slice(text.lastIndexOf(statusMark.trimEnd()) + statusMark.length).trim();
}

/** Reads the lines of one event; one that was cut off never gets here. */
function takeBlock(block: string, memory: Memory, stream: RecordedStream): void {
  let type = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') type = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') memory.lastEventId = value;
    else if (field === 'retry') memory.retryMs = Number(value);
  }
  if (data.length > 0) stream.events.push({ type, data: data.join('\n'), id: memory.lastEventId });
}
