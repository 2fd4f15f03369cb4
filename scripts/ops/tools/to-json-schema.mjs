/** Turns what Kubernetes publishes about its kinds into strict JSON schemas: a field that does not exist is an error. */

/** A quantity and the like may be a number or a string. */
const intOrString = { anyOf: [{ type: 'integer' }, { type: 'string' }] };
const numberOrString = { anyOf: [{ type: 'number' }, { type: 'string' }] };

/**
 * The schema of one version of a custom resource.
 * @param {object} schema `openAPIV3Schema` of the version
 */
export function customResourceSchema(schema) {
  const whole = strict(schema, false);
  // The definition says only "object": the fields are those of every kind.
  whole.properties.metadata = { type: 'object' };
  whole.required = [...new Set([...(whole.required ?? []), 'apiVersion', 'kind', 'metadata'])];
  return whole;
}

/**
 * The schemas of Kubernetes' own kinds.
 * @param {Record<string, object>} definitions of its OpenAPI 2 document
 * @returns {{ group: string, version: string, kind: string, schema: object }[]}
 */
export function nativeSchemas(definitions) {
  const made = Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, strict(schema, true)]));
  made['io.k8s.apimachinery.pkg.util.intstr.IntOrString'] = intOrString;
  made['io.k8s.apimachinery.pkg.api.resource.Quantity'] = numberOrString;
  return Object.entries(definitions).flatMap(([name, schema]) =>
    (schema['x-kubernetes-group-version-kind'] ?? [])
      // What watches and deletions say is of every group; it is no manifest.
      .filter(() => schema['x-kubernetes-group-version-kind'].length === 1)
      .map(({ group, version, kind }) => ({ group, version, kind, schema: standalone(name, made) })),
  );
}

/** One kind with all that it refers to, so that it can be read without any other file. */
function standalone(name, made) {
  const definitions = {};
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (definitions[next]) continue;
    definitions[next] = made[next];
    waiting.push(...refsIn(made[next]));
  }
  const { [name]: root, ...rest } = definitions;
  const required = [...new Set([...(root.required ?? []), 'apiVersion', 'kind'])];
  // A kind may refer to itself.
  return { ...root, required, definitions: { ...rest, [name]: root } };
}

function refsIn(value) {
  if (value === null || typeof value !== 'object') return [];
  if (typeof value.$ref === 'string') return [value.$ref.replace('#/definitions/', '')];
  return Object.values(value).flatMap(refsIn);
}

/** Only what a JSON schema says, and no fields but those named. */
function strict(schema, isNative) {
  if (typeof schema !== 'object') return schema;
  if (schema.$ref) return { $ref: schema.$ref };
  if (schema['x-kubernetes-int-or-string'])
    return schema.pattern ? { anyOf: [{ type: 'integer' }, { type: 'string', pattern: schema.pattern }] } : intOrString;
  const made = {};
  for (const word of plainWords) if (schema[word] !== undefined) made[word] = schema[word];
  // Of the formats only those are checked that say more than their type does.
  if (['date-time', 'byte'].includes(schema.format)) made.format = schema.format;
  for (const word of ['anyOf', 'allOf', 'oneOf']) if (schema[word]) made[word] = schema[word].map((one) => loose(one));
  if (schema.not) made.not = loose(schema.not);
  if (schema.items) made.items = strict(schema.items, isNative);
  if (schema.properties) {
    made.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, strict(value, isNative)]));
  }
  if (schema.additionalProperties !== undefined) made.additionalProperties = strict(schema.additionalProperties, isNative);
  else if (schema.properties && !schema['x-kubernetes-preserve-unknown-fields']) made.additionalProperties = false;
  if (schema.nullable && made.type) made.type = [made.type, 'null'];
  return made;
}

/** Part of a choice: it names some of the fields, the others are beside it. */
function loose(schema) {
  const made = strict(schema, false);
  if (schema.additionalProperties === undefined) delete made.additionalProperties;
  if (made.properties) made.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, loose(value)]));
  return made;
}

const plainWords = [
  ...['type', 'required', 'enum', 'pattern', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties'],
];
