/** The text at the base path: what is here and how to try it. */
export function encodeLandingPage(basePath: string, isPublishing: boolean): string {
  const publish = `  curl -X POST '<this host>${basePath}/v1/publish' -H 'content-type: application/json' \\
       -d '{"channel":"<channel>","type":"hello","data":{"n":1}}'     publish an event`;
  return `Selvage: events from the log, as Server-Sent Events.

  curl -N '<this host>${basePath}/v1/events?channel=<channel>'                   follow a channel
  curl '<this host>${basePath}/v1/events?channel=<channel>&format=json&wait=0'   ask once
${isPublishing ? `${publish}\n` : ''}
In a browser: new EventSource('${basePath}/v1/events?channel=<channel>')
A reader that comes back with the last id it had gets exactly what it missed, from any node.
`;
}
