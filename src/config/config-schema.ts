import { z } from 'zod';
import { issuerFields } from '../admission/identity/parse-issuer.js';
import { streamFields } from '../admission/named-streams/parse-named-stream.js';
import { routeFields } from '../routing/parse-route.js';
import { isDerived, isOption } from './option.js';
import type { Option, OptionTree } from './option.js';
import { options } from './options.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON schema (2020-12) of the configuration file, for editors. `loadConfig` is stricter: it also checks what options promise together. */
export function configSchema(): JsonSchema {
  const { properties, ...rest } = sectionSchema(options);
  const sections = properties as { readonly auth: JsonSchema };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Selvage configuration',
    ...rest,
    properties: { ...sections, auth: withIssuers(sections.auth), routes: routesSchema(), streams: streamsSchema() },
  };
}

function withIssuers(auth: JsonSchema): JsonSchema {
  const issuers = {
    type: 'array',
    description: 'Whose tokens are believed.',
    items: { type: 'object', additionalProperties: false, properties: Object.fromEntries(issuerFields.map((name) => [name, {}])) },
  };
  return { ...auth, properties: { ...(auth['properties'] as JsonSchema), issuers } };
}

function sectionSchema(tree: OptionTree): JsonSchema {
  const properties = Object.entries(tree).map(([name, node]) => [name, isOption(node) ? optionSchema(node) : sectionSchema(node)] as const);
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
}

function optionSchema(option: Option<unknown>): JsonSchema {
  const schema: Record<string, unknown> = { ...z.toJSONSchema(option.schema) };
  delete schema['$schema'];
  const { defaultValue, sentence, unit } = option;
  const description = unit === undefined ? sentence : `${sentence} (${unit})`;
  const isPlain = defaultValue !== null && defaultValue !== '' && !isDerived(defaultValue);
  return { ...schema, description, ...(isPlain ? { default: defaultValue } : {}) };
}

function streamsSchema(): JsonSchema {
  return {
    type: 'array',
    description: 'Shapes of addresses, and what is streamed there to whom.',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'channels'],
      properties: Object.fromEntries(streamFields.map((name) => [name, {}])),
    },
  };
}

function routesSchema(): JsonSchema {
  return {
    type: 'array',
    minItems: 1,
    description: 'Which records become which events of which channels.',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['topic', 'channels'],
      properties: Object.fromEntries(routeFields.map((name) => [name, {}])),
    },
  };
}
