import type { ServedRoute } from '../http/handle-documents.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';
import { pathParametersOf, type PathItem } from './describe-streams.js';
import { credentialRefusals, everyRequest, publishRefusals, renewalRefusals, sessionRefusals, ticketRefusals } from './refusals.js';
import { answered, jsonContent, problemResponses } from './responses.js';
import { schemaRef } from './schemas.js';
import { publishAccess, securityOf, type Access } from './security.js';
import type { JsonObject, Surface } from './surface.js';

const refusalsOf = (codes: readonly ErrorCode[], access: Access): JsonObject =>
  problemResponses([...new Set([...everyRequest, ...credentialRefusals(access), ...codes])]);

const header = (name: string, description: string, schema: JsonObject): JsonObject => ({ name, in: 'header', description, schema });
const text: JsonObject = { type: 'string' };

const ceHeader = (name: string, description: string): JsonObject =>
  header(`ce-${name}`, `Of a CloudEvent in binary mode: ${description}`, text);

function publishParameters({ publish }: Surface): readonly JsonObject[] {
  return [
    header('Idempotency-Key', 'Makes the request one that may be repeated: its answer is given again, nothing is published twice.', {
      type: 'string',
      minLength: 1,
      maxLength: 257,
    }),
    ceHeader('specversion', 'its version, 1.0; says that this is one.'),
    ceHeader('id', 'its id.'),
    ceHeader('source', 'where it comes from.'),
    ceHeader('type', "its type, which is the event's."),
    ...publish.cloudEventChannel.map((name) => ceHeader(name, 'names the channel, where none before it does.')),
    header('traceparent', 'Becomes a header of the record (W3C Trace Context).', text),
    header('tracestate', 'Becomes a header of the record.', text),
  ];
}

/** `POST /v1/publish`, in all its forms. */
export function describePublish(surface: Surface): PathItem {
  const { publish, http } = surface;
  const access = publishAccess(surface);
  return {
    post: {
      operationId: 'publish',
      tags: ['Publishing'],
      summary: 'Publish one event or a batch',
      description: `At most ${publish.eventsMax} events and ${http.bodyBytesMax} bytes. 200 means that all in-sync replicas have every event. \`user\` with \`channel\` means the channel \`${publish.userChannel}\`, \`broadcast\` the channel \`${publish.broadcastChannel}\`. A body with \`ce-\` headers, of whatever media type, is a CloudEvent in binary mode.`,
      parameters: publishParameters(surface),
      security: securityOf(access),
      requestBody: {
        required: true,
        content: {
          ...jsonContent({ anyOf: [schemaRef('PublishEvent'), schemaRef('PublishBatch')] }),
          'application/cloudevents+json': { schema: schemaRef('CloudEvent') },
          'application/cloudevents-batch+json': {
            schema: { type: 'array', items: schemaRef('CloudEvent'), minItems: 1, maxItems: publish.eventsMax },
          },
          '*/*': { schema: { description: 'The data of a CloudEvent in binary mode; UTF-8.' } },
        },
      },
      responses: {
        '200': answered('Every event is in the log.', jsonContent(schemaRef('PublishAnswer')), 'Idempotent-Replayed'),
        '207': answered(
          'At least one event of the batch is not known to be in the log.',
          jsonContent(schemaRef('PublishAnswer')),
          'Idempotent-Replayed',
        ),
        ...refusalsOf(publishRefusals, access),
      },
    },
  };
}

const bearerOnly: Access = { schemes: ['bearer'], isOptional: false };

export function describeTickets(): PathItem {
  return {
    post: {
      operationId: 'issueTicket',
      tags: ['Identity'],
      summary: 'A ticket for an EventSource, which sends no headers',
      security: securityOf(bearerOnly),
      requestBody: { required: true, content: jsonContent(schemaRef('TicketRequest')) },
      responses: {
        '200': answered('A ticket of the caller, for these channels and this origin.', jsonContent(schemaRef('Ticket'))),
        ...refusalsOf(ticketRefusals, bearerOnly),
      },
    },
  };
}

export function describeRenewal({ path }: ServedRoute, surface: Surface): PathItem {
  const hasCookie = surface.credentials.cookieName !== null;
  const access: Access = { schemes: hasCookie ? ['bearer', 'cookie'] : ['bearer'], isOptional: false };
  return {
    post: {
      operationId: 'renewStream',
      tags: ['Identity'],
      summary: 'Let a stream go on with a fresh token of its subject',
      description: 'On any node; `selvage.token` says the id. The body is ignored.',
      parameters: pathParametersOf(path),
      security: securityOf(access),
      responses: {
        '202': answered("The stream's own node will hear of it.", jsonContent(schemaRef('Renewal'))),
        ...refusalsOf(renewalRefusals, access),
      },
    },
  };
}

export function describeSession(): PathItem {
  return {
    post: {
      operationId: 'beginSession',
      tags: ['Identity'],
      summary: 'Put the bearer token into the cookie',
      description: 'For pages of allowed origins. The body is ignored.',
      security: securityOf(bearerOnly),
      responses: {
        '204': answered('The cookie is set, until the token runs out.', null, 'Set-Cookie'),
        ...refusalsOf(sessionRefusals, bearerOnly),
      },
    },
    delete: {
      operationId: 'endSession',
      tags: ['Identity'],
      summary: 'Take the cookie back',
      security: [],
      responses: {
        '204': answered('The cookie is gone.', null, 'Set-Cookie'),
        ...problemResponses([...everyRequest, 'origin-forbidden']),
      },
    },
  };
}
