import { expect, onTestFinished, test } from 'vitest';
import { uniqueName } from '../../platform/unique-name.js';
import { OpenStream, publish, tokenOf, type StreamOptions } from './open-stream.js';

/** Nodes that run `deploy/streams.yaml`; what is written on one is read on another. */
export interface ShippedTarget {
  /** Where readers come. */
  url(): string;
  /** Where publishers come. */
  publishUrl(): string;
}

/** Every stream of the shipped file, from end to end. */
export function testShippedStreams({ url, publishUrl }: ShippedTarget): void {
  const open = async (path: string, options: StreamOptions = {}): Promise<OpenStream> => {
    const stream = await OpenStream.open(`${url()}${path}`, options);
    onTestFinished(() => stream.close());
    return stream;
  };
  /** Opens and waits for the head: what is published from then on is read. */
  const follow = async (path: string, options: StreamOptions = {}): Promise<OpenStream> => {
    const stream = await open(path, options);
    await stream.until(({ frames }) => frames.length > 0, `the head of ${path}`);
    return stream;
  };
  const say = async (channel: string, type: string, data: unknown): Promise<void> =>
    publish(publishUrl(), await tokenOf('service'), channel, type, data);

  test("a user's channel: greeted first, then their own events of that channel and nobody else's", async () => {
    const [ada, eve] = [uniqueName('ada'), uniqueName('eve')];
    const stream = await follow('/api/v1/sse/stream/news', { token: await tokenOf(ada) });
    await say(`user.${eve}.news`, 'generation.progress', { of: 'eve' });
    await say(`user.${ada}.other`, 'generation.progress', { of: 'another channel' });
    await say(`user.${ada}.news`, 'generation.progress', { of: 'ada' });
    await stream.until(({ types }) => types.length === 2, 'the event');
    expect(stream.types).toEqual(['connected', 'generation.progress']);
    expect(stream.data('connected')).toMatchObject({ channel: 'news', timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string });
    expect(stream.data('generation.progress')).toEqual({ of: 'ada' });
    expect(stream.events[0]?.id).toBeNull();
  });

  test("a subject or a channel that looks like another's gains nothing", async () => {
    const ada = uniqueName('ada');
    const dotted = await follow('/api/v1/sse/stream/c', { token: await tokenOf(`${ada}.b`) });
    const encoded = await follow('/api/v1/sse/stream/b%2Ec', { token: await tokenOf(ada) });
    await say(`user.${ada}.b.c`, 'leak', {});
    await say(`user.${ada}%2Eb.c`, 'own', {});
    await say(`user.${ada}.b%2Ec`, 'own', {});
    await dotted.until(({ types }) => types.includes('own'), 'the own event');
    await encoded.until(({ types }) => types.includes('own'), 'the own event');
    expect([...dotted.types, ...encoded.types]).not.toContain('leak');
  });

  test('a user channel needs a token, and takes a type filter alone', async () => {
    expect((await open('/api/v1/sse/stream/news')).status).toBe(401);
    const token = await tokenOf('ada');
    expect((await open('/api/v1/sse/stream/news?channel=other', { token })).status).toBe(400);
    expect((await open('/api/v1/sse/stream/news/', { token })).status).toBe(404);
    expect((await open('/api/v1/sse/stream/a%2Fb', { token })).status).toBe(404);
    expect((await open('/api/v1/sse/stream/news?type=a', { token })).status).toBe(200);
  });

  test('broadcast: everybody who is signed in', async () => {
    expect((await open('/api/v1/sse/broadcast')).status).toBe(401);
    const mark = uniqueName('mark');
    const streams = [
      await follow('/api/v1/sse/broadcast', { token: await tokenOf(uniqueName('ada')) }),
      await follow('/api/v1/sse/broadcast', { token: await tokenOf(uniqueName('eve')) }),
    ];
    await say('broadcast', mark, {});
    for (const stream of streams) await stream.until(({ types }) => types.includes(mark), 'the broadcast');
  });

  test('projects: one stage and all stages, open without a token, and under stream/ with one', async () => {
    const project = uniqueName('p');
    const base = `/api/v1/sse/projects/${project}`;
    const token = await tokenOf('ada', [`project.${project}`, `project.${project}.stage.*`]);
    const streams = [
      await follow(`${base}/stages/draft/`),
      await follow(`${base}/`),
      await follow(`${base}/stages/draft/stream/`, { token }),
      await follow(`${base}/stream/`, { token }),
    ];
    for (const channel of [`project.${project}.stage.draft`, `project.${project}`]) await say(channel, 'token', { content: 'x' });
    for (const stream of streams) {
      await stream.until(({ types }) => types.includes('token'), 'the token');
      expect(stream.types).toEqual(['connected', 'token']);
    }
    expect(streams[0]?.data('connected')).toMatchObject({ project_id: project, stage: 'draft' });
  });

  test('projects under stream/ are refused without a token, and without a grant', async () => {
    const path = `/api/v1/sse/projects/${uniqueName('p')}/stages/draft/stream/`;
    expect((await open(path)).status).toBe(401);
    expect((await open(path, { token: await tokenOf('ada') })).status).toBe(403);
    expect((await open(path.slice(0, -1), { token: await tokenOf('ada') })).status).toBe(404);
  });

  test('a task: its present state at once, each change, an end, and 204 for whoever comes back', async () => {
    const task = uniqueName('t');
    const path = `/api/v1/sse/tasks/${task}/progress`;
    const token = await tokenOf('ada', [`task.${task}`]);
    await say(`task.${task}`, 'progress', { progress: 10 });
    await say(`task.${task}`, 'progress', { progress: 20 });
    const stream = await open(path, { token });
    await stream.until(({ types }) => types.length > 0, 'the present state');
    await say(`task.${task}`, 'progress', { progress: 30 });
    await say(`task.${task}`, 'complete', { state: 'SUCCESS' });
    await stream.until(({ isEnded }) => isEnded, 'the end');
    expect(stream.types.at(-1)).toBe('complete');
    expect(stream.events.map(({ data }) => data)).toContain('{"progress":30}');
    expect(stream.data('selvage.close')).toMatchObject({ code: 'ended', reconnect: 'stop' });
    expect((await open(path, { token, lastEventId: stream.lastId })).status).toBe(204);
  });

  test('a task that is over says so to whoever comes anew, and ends', async () => {
    const task = uniqueName('t');
    const token = await tokenOf('ada', ['task.*']);
    await say(`task.${task}`, 'error', { error: 'it broke' });
    const first = await open(`/api/v1/sse/tasks/${task}/progress`, { token });
    await first.until(({ isEnded }) => isEnded, 'the end');
    expect(first.types).toEqual(['error']);
    const poll = await fetch(`${url()}/api/v1/sse/tasks/${task}/progress?format=json`, { headers: { Authorization: `Bearer ${token}` } });
    const { events, position } = (await poll.json()) as { events: { type: string }[]; position: string };
    expect(events.map(({ type }) => type)).toEqual(['error']);
    expect(position).toMatch(/~e$/);
  });

  test('a task needs a token that may read it', async () => {
    const path = `/api/v1/sse/tasks/${uniqueName('t')}/progress`;
    expect((await open(path)).status).toBe(401);
    expect((await open(path, { token: await tokenOf('ada', ['task.other']) })).status).toBe(403);
  });

  test('a conversation: whoever comes in the middle of an answer sees the whole of it, and stays for the next round', async () => {
    const thread = uniqueName('c');
    const channel = `conversation.${thread}`;
    const token = await tokenOf('ada', [channel]);
    for (const round of [1, 2]) {
      await say(channel, 'user_message', { round });
      await say(channel, 'ai_response_start', { round });
      await say(channel, 'ai_response_chunk', { round, content: 'a' });
      if (round === 1) await say(channel, 'ai_response_complete', { round });
    }
    const stream = await open(`/api/v1/conversations/${thread}/stream`, { token });
    await stream.until(({ types }) => types.includes('ai_response_chunk'), 'the answer so far');
    await say(channel, 'ai_response_complete', { round: 2 });
    await say(channel, 'user_message', { round: 3 });
    await stream.until(({ types }) => types.filter((type) => type === 'user_message').length === 2, 'the next round');
    expect(stream.events.map(({ type, data }) => [type, (JSON.parse(data) as { round: number }).round])).toEqual([
      ['user_message', 2],
      ['ai_response_start', 2],
      ['ai_response_chunk', 2],
      ['ai_response_complete', 2],
      ['user_message', 3],
    ]);
    expect(stream.isEnded).toBe(false);
  });

  test('a conversation goes on behind the position that a reader comes back with', async () => {
    const thread = uniqueName('c');
    const channel = `conversation.${thread}`;
    const token = await tokenOf('ada', [channel]);
    await say(channel, 'user_message', {});
    const first = await open(`/api/v1/conversations/${thread}/stream`, { token });
    await first.until(({ types }) => types.length === 1, 'the message');
    first.close();
    await say(channel, 'ai_response_chunk', {});
    const second = await open(`/api/v1/conversations/${thread}/stream`, { token, lastEventId: first.lastId });
    await second.until(({ types }) => types.length > 0, 'the chunk');
    expect(second.types).toEqual(['ai_response_chunk']);
  });

  test('training: from its start', async () => {
    const human = uniqueName('h');
    const channel = `training.${human}`;
    const token = await tokenOf('ada', [channel]);
    for (const type of ['training_start', 'training_chunk', 'training_error', 'training_start', 'training_chunk'])
      await say(channel, type, {});
    const stream = await open(`/api/v1/training/${human}/stream`, { token });
    await stream.until(({ types }) => types.length === 2, 'what was trained so far');
    await say(channel, 'training_complete', {});
    await stream.until(({ types }) => types.length === 3, 'the end of the training');
    expect(stream.types).toEqual(['training_start', 'training_chunk', 'training_complete']);
    expect((await open(`/api/v1/training/${human}/stream`)).status).toBe(401);
  });
}
