import type { Choices } from './random.js';

/** A publish in one of its forms, mostly right: one or a batch, of our own or CloudEvents, structured and binary, with and without a key for once. */
export function makePublish(choices: Choices, oddities: readonly string[]): { readonly body: Buffer; readonly lines: readonly string[] } {
  const odd = (usual: string): string => (choices.chance(0.85) ? usual : choices.of(oddities).slice(0, 400));
  const channel = (): string => odd(choices.of(['a', 'task.1', 'broadcast', 'user.x.y', 'conversation.1']));
  const data = (): unknown =>
    choices.of<unknown>([1, null, {}, { progress: 1.5 }, 'text', '', [[1]], '\u2028', odd('x'), 'x'.repeat(5_000)]);
  const plain = (): Record<string, unknown> => ({
    ...choices.of<Record<string, unknown>>([
      { channel: channel() },
      { channel: channel() },
      { user: odd('ada'), channel: odd('news') },
      { broadcast: true },
    ]),
    data: data(),
    ...(choices.chance(0.5) ? { type: odd(choices.of(['progress', 'complete', 'user_message'])) } : {}),
    ...(choices.chance(0.1) ? { key: odd('k') } : {}),
    ...(choices.chance(0.1) ? { attributes: { [odd('session')]: odd('s') } } : {}),
  });
  const cloud = (): Record<string, unknown> => ({
    specversion: odd('1.0'),
    id: odd('1'),
    source: odd('/fuzz'),
    type: odd('progress'),
    [choices.of(['subject', 'selvagechannel'])]: channel(),
    ...(choices.chance(0.3) ? { time: odd('2026-11-21T00:00:00Z') } : {}),
    ...(choices.chance(0.3) ? { [choices.of(['traceparent', 'session', 'partitionkey'])]: odd('v') } : {}),
    ...choices.of([{ data: data() }, { data: data() }, { data_base64: odd('aGk=') }, {}]),
  });
  const onceKey = choices.chance(0.4) ? [`Idempotency-Key: ${odd(`key-${choices.below(20)}`).replace(/[^!-~]/g, '')}`] : [];
  const json = (value: unknown, type: string) => ({
    body: Buffer.from(JSON.stringify(value)),
    lines: [...onceKey, `Content-Type: ${type}`],
  });
  switch (choices.below(6)) {
    case 0:
    case 1:
      return json(plain(), 'application/json');
    case 2:
      return json({ events: choices.some(choices.chance(0.1) ? 120 : 8, plain) }, 'application/json');
    case 3:
      return json(cloud(), 'application/cloudevents+json');
    case 4:
      return json(choices.some(choices.chance(0.1) ? 120 : 8, cloud), 'application/cloudevents-batch+json');
    default: {
      const { data: body = '', ...attributes } = cloud();
      // The addon's parser waits for ever behind a header whose name is not of letters, digits and `-`.
      delete attributes['data_base64'];
      const lines = Object.entries(attributes).map(([name, value]) => `ce-${name}: ${encodeURIComponent(String(value))}`);
      return { body: Buffer.from(JSON.stringify(body)), lines: [...onceKey, ...lines, 'Content-Type: application/json'] };
    }
  }
}
