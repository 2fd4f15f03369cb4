import type { DataTemplate } from '../admission/named-streams/data-template.js';
import type { JsonObject } from './surface.js';

/** The schema of data that the configuration writes. */
export function dataSchemaOf(data: DataTemplate): JsonObject {
  switch (data.kind) {
    case 'constant':
      return { const: data.value };
    case 'text':
      return { type: 'string', description: data.template.text };
    case 'list':
      return { type: 'array', minItems: data.items.length, maxItems: data.items.length };
    case 'object':
      return {
        type: 'object',
        required: data.members.map(([name]) => name),
        properties: Object.fromEntries(data.members.map(([name, value]) => [name, dataSchemaOf(value)])),
        additionalProperties: false,
      };
  }
}
