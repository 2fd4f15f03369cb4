/** What the chart sets itself: sections and options that `config` of the values must not have. */
const chartOwned = [
  'roles',
  'nodeId',
  'host',
  'port',
  'adminPort',
  'kafka.rackId',
  'kafka.tls.caFile',
  'kafka.tls.certFile',
  'kafka.tls.keyFile',
  'redis.tls',
  'tls',
];
/** Is declared secret because it may hold a password; without one it may be written openly. The chart refuses one that holds a login. */
const openWhereHarmless = ['redis.url'];

/**
 * The schema of `config` in the chart's values: the program's own, without what the chart sets and without secrets, which would stand in a ConfigMap.
 *
 * @param {object} configSchema `configSchema()` of src/config
 * @param {readonly string[]} secretPaths paths of the options that are secret
 */
export function chartConfigSchema(configSchema, secretPaths) {
  const schema = structuredClone(configSchema);
  const left = [...chartOwned, ...secretPaths.filter((path) => !openWhereHarmless.includes(path))];
  for (const path of left) leaveOut(schema, path.split('.'));
  delete schema.$schema;
  delete schema.title;
  return withoutLookaround(schema);
}

function leaveOut(schema, [name, ...rest]) {
  if (schema?.properties?.[name] === undefined)
    throw new Error(`the program has no option ${name}: chart-config-schema.mjs is not current`);
  if (rest.length === 0) delete schema.properties[name];
  else leaveOut(schema.properties[name], rest);
}

/** Helm's patterns are those of Go, which look neither ahead nor behind; the program itself checks such values again. */
function withoutLookaround(node) {
  if (Array.isArray(node)) return node.map(withoutLookaround);
  if (typeof node !== 'object' || node === null) return node;
  const kept = Object.entries(node).filter(
    ([name, value]) => !(name === 'pattern' && typeof value === 'string' && /\(\?[=!<]/.test(value)),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutLookaround(value)]));
}
