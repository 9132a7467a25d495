/** The on-demand message as a JSON Schema, made of the table the parser reads; `docs/rotation-request.schema.json` is this. Pure. Layer: domain. */
import {
  MOST_TARGETS,
  REQUEST_FIELDS,
  type Schema,
  SECRET_SCHEMA,
  TARGET_FIELDS,
  TARGET_FORMS,
} from './request-fields.ts';

/**
 * JSON Schema 2020-12. It accepts what `parseRotationRequest` does, but for the one thing it cannot know: `tenantId`, when given, must
 * be the app's. Patterns need Unicode mode, `format` must be asserted.
 */
export function rotationRequestSchema(): Schema {
  const definitions = Object.entries(TARGET_FIELDS).map(([name, rule]) => [name, described(rule)] as const);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Keyturn on-demand message',
    description: 'A message on the queue rotation-requests: rotate the BitLocker recovery keys of these devices now.',
    type: 'object',
    required: ['targets'],
    additionalProperties: false,
    properties: {
      ...Object.fromEntries(Object.entries(REQUEST_FIELDS).map(([name, rule]) => [name, described(rule)])),
      targets: {
        description: 'The devices, each in one of the forms below. The same target twice counts once.',
        type: 'array',
        minItems: 1,
        maxItems: MOST_TARGETS,
        items: { $ref: '#/$defs/target' },
      },
    },
    $defs: {
      target: {
        anyOf: TARGET_FORMS.map((form) => ({
          type: 'object',
          required: form,
          additionalProperties: false,
          properties: Object.fromEntries(form.map((name) => [name, { $ref: `#/$defs/${name}` }])),
        })),
      },
      secret: SECRET_SCHEMA,
      ...Object.fromEntries(definitions),
    },
  };
}

function described(rule: { readonly mustBe: string; readonly schema: Schema }): Schema {
  return { description: `Must be ${rule.mustBe}.`, ...rule.schema };
}
