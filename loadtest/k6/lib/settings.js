/** What a scenario is told by its environment (`k6 run -e NAME=value`). README.md has the table. */

const urls = (name) =>
  (__ENV[name] ?? '')
    .split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .filter((url) => url !== '');

/** Addresses of the nodes, or of the proxy before them; a stream that comes back asks the next. */
export const baseUrls = urls('BASE_URL').length > 0 ? urls('BASE_URL') : ['http://127.0.0.1:8080'];

/** Where events are published. */
export const publishUrl = urls('PUBLISH_URL')[0] ?? baseUrls[0];

/** A number of the environment, or the scenario's own default; what is no number is refused by name. */
export function number(name, otherwise) {
  const text = __ENV[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name}: ${text} is not a number of 0 or more`);
  return value;
}

const ca = __ENV.CA_FILE ? open(__ENV.CA_FILE) : undefined;

/** Options of every stream: token, HTTP version, who vouches for certificates. */
export function streamOptions() {
  return {
    headers: __ENV.TOKEN ? { Authorization: `Bearer ${__ENV.TOKEN}` } : {},
    http: __ENV.HTTP_VERSION || '1.1',
    insecureSkipTLSVerify: __ENV.INSECURE === '1',
    ca,
  };
}

/** Headers of requests by k6/http. */
export function requestHeaders() {
  const token = __ENV.PUBLISH_TOKEN || __ENV.TOKEN;
  return { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
}

/** Options of k6 that every scenario has. */
export const commonOptions = {
  insecureSkipTLSVerify: __ENV.INSECURE === '1',
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max', 'count'],
  // What publishes and polls cost is not what is tested, and their addresses differ.
  systemTags: ['scenario', 'status', 'error_code', 'check', 'group'],
  noConnectionReuse: false,
};
