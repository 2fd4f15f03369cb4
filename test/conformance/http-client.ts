import { expect } from 'vitest';
import type { Gap } from './stream-client.js';
import type { Target } from './target.js';

export interface Published {
  readonly position: string;
  readonly partition: number;
  readonly offset: string;
}

export interface Item {
  readonly channel: string;
  readonly type?: string;
  readonly data: unknown;
}

export interface PolledEvent {
  readonly id?: string;
  readonly channel: string;
  readonly channels?: readonly string[];
  readonly type: string;
  readonly time: string;
  readonly data: unknown;
}

export interface Poll {
  readonly events: readonly PolledEvent[];
  readonly position: string;
  readonly gap?: Gap;
}

/** Publishes a batch; the results are in its order. */
export async function publishAll(target: Target, events: readonly Item[]): Promise<readonly Published[]> {
  const answer = await post(target, JSON.stringify({ events }));
  const body = (await answer.json()) as { results: readonly Published[] };
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return body.results;
}

export async function publish(target: Target, channel: string, data: unknown, type?: string): Promise<Published> {
  const [result] = await publishAll(target, [{ channel, data, ...(type === undefined ? {} : { type }) }]);
  return result as Published;
}

export function post(target: Target, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${target.baseUrl}/v1/publish`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

/** One poll that is answered with 200. */
export async function poll(target: Target, query: string, headers: Readonly<Record<string, string>> = {}): Promise<Poll> {
  const answer = await fetch(`${target.baseUrl}/v1/events?${query}`, { headers: { accept: 'application/json', ...headers } });
  expect(answer.headers.get('content-type')).toBe('application/json');
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  return JSON.parse(text) as Poll;
}

/** Publishes to channels of their own until one lies in the wanted partition; returns what was published there. */
export async function publishInto(target: Target, partition: number, nameOf: (attempt: number) => string): Promise<Published> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const result = await publish(target, nameOf(attempt), attempt);
    if (result.partition === partition) return result;
  }
  throw new Error(`no channel was found in partition ${partition}`);
}
