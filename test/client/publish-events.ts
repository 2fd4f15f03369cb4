/** An event as `POST /v1/publish` takes it. */
export interface PublishedEvent {
  readonly channel: string;
  readonly type?: string;
  readonly data: unknown;
}

/** Publishes through the node at `url`; returns the position of each event. Throws with the answer when it is refused. */
export async function publishEvents(url: string, events: readonly PublishedEvent[]): Promise<readonly string[]> {
  const answer = await fetch(`${url}/v1/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`publishing was refused with ${answer.status}: ${body}`);
  return (JSON.parse(body) as { results: { position: string }[] }).results.map(({ position }) => position);
}
