/** Reads an on-demand message: all of it is right, or every problem is told with its place. Pure. Layer: domain. */
import type { RunId, TenantId } from './ids.ts';
import {
  type FieldRule,
  MOST_TARGETS,
  REQUEST_FIELDS,
  type RequestField,
  TARGET_FIELDS,
  TARGET_FORMS,
  type TargetField,
} from './request-fields.ts';
import { hasSecret } from './scrub.ts';
import { quoted, shown } from './shown.ts';
import { type RotationTarget, targetKey } from './targets.ts';

/** A request that may be acted upon. */
export interface RotationRequest {
  /** Becomes the run's id. */
  readonly requestId?: RunId;
  readonly reason?: string;
  readonly requestedBy?: string;
  /** Nothing is planned before then. */
  readonly notBeforeMs?: number;
  /** 1 to 5,000, no two the same. */
  readonly targets: readonly RotationTarget[];
}

export type ParsedRequest =
  | { readonly ok: RotationRequest }
  /** All of them, at least one, each with its place: `targets[3].deviceName must be …, got …`. */
  | { readonly problems: readonly string[] };

/** Names of properties in the order problems are told. */
const REQUEST_NAMES = Object.keys(REQUEST_FIELDS) as RequestField[];
const FORMS = new Map(TARGET_FORMS.map((form) => [formKey(form), form]));

/** What no text may hold: it would be kept with the run. */
const SECRETS = 'recovery password, token or storage key';

function formKey(names: readonly string[]): string {
  return [...names].sort().join(' ');
}

/**
 * The request in `body`, a JSON value. Unknown properties are refused, since a `notbefore` that is not heard rotates too early.
 * A target named twice counts once. Never throws.
 */
export function parseRotationRequest(body: unknown, ours: { readonly tenantId: TenantId }): ParsedRequest {
  const problems: string[] = [];
  const message = asObject(body);
  if (message === undefined) return { problems: [`the message must be a JSON object, got ${shown(body)}`] };

  for (const name of Object.keys(message)) {
    if (name !== 'targets' && !Object.hasOwn(REQUEST_FIELDS, name))
      problems.push(`${quoted(name)} is no property of a request`);
  }
  const fields: Partial<Record<RequestField, string>> = {};
  for (const name of REQUEST_NAMES) {
    if (!Object.hasOwn(message, name)) continue;
    const rule: FieldRule = REQUEST_FIELDS[name];
    const value = message[name];
    if (typeof value === 'string' && rule.accepts(value)) fields[name] = rule.keep?.(value) ?? value;
    else problems.push(wrong(name, rule, value));
  }
  if (fields.tenantId !== undefined && fields.tenantId !== ours.tenantId) {
    problems.push(`tenantId must be ${ours.tenantId}, the tenant of this app, got ${shown(fields.tenantId)}`);
  }
  const targets = parseTargets(Object.hasOwn(message, 'targets') ? message.targets : undefined, problems);
  if (problems.length > 0) return { problems: problems };

  const { requestId, reason, requestedBy, notBefore } = fields;
  return {
    ok: {
      ...(requestId === undefined ? {} : { requestId: requestId as RunId }),
      // A form left empty says nothing.
      ...(reason === undefined || reason === '' ? {} : { reason }),
      ...(requestedBy === undefined || requestedBy === '' ? {} : { requestedBy }),
      ...(notBefore === undefined ? {} : { notBeforeMs: instantMs(notBefore) }),
      targets,
    },
  };
}

/** The years 2000 to 2099 in UTC, in which it is written again: an offset may lead out of them at either end. */
const [FIRST_MS, LAST_MS] = [Date.UTC(2000, 0), Date.UTC(2100, 0) - 1];

function instantMs(text: string): number {
  return Math.min(Math.max(Date.parse(text), FIRST_MS), LAST_MS);
}

function parseTargets(value: unknown, problems: string[]): readonly RotationTarget[] {
  if (!Array.isArray(value)) {
    problems.push(`targets must be a list of 1 to ${MOST_TARGETS} targets, got ${shown(value)}`);
    return [];
  }
  if (value.length === 0 || value.length > MOST_TARGETS) {
    problems.push(`targets must be a list of 1 to ${MOST_TARGETS} targets, got ${value.length}`);
  }
  const byText = new Map<string, RotationTarget>();
  value.forEach((entry: unknown, index) => {
    const target = parseTarget(entry, `targets[${index}]`, problems);
    if (target !== undefined) byText.set(targetKey(target), target);
  });
  return [...byText.values()];
}

function parseTarget(value: unknown, place: string, problems: string[]): RotationTarget | undefined {
  const before = problems.length;
  const entry = asObject(value);
  if (entry === undefined) {
    problems.push(`${place} must be an object, got ${shown(value)}`);
    return undefined;
  }
  const names = Object.keys(entry);
  for (const name of names) {
    if (!isTargetField(name)) problems.push(`${place}: ${quoted(name)} is no property of a target`);
    else if (!TARGET_FIELDS[name].accepts(entry[name]))
      problems.push(wrong(`${place}.${name}`, TARGET_FIELDS[name], entry[name]));
  }
  const known = names.filter(isTargetField);
  const form = FORMS.get(formKey(known));
  if (known.length > 0 && form === undefined)
    problems.push(`${place} must be ${formsLike(known)}, got ${known.join(' + ')}`);
  if (names.length === 0) problems.push(`${place} must name a device, as managedDeviceId does, got an empty object`);
  if (form === undefined || problems.length > before) return undefined;
  return Object.fromEntries(
    form.map((name) => [name, kept(TARGET_FIELDS[name], entry[name])]),
  ) as unknown as RotationTarget;
}

/** The forms that have one of these properties. */
function formsLike(known: readonly TargetField[]): string {
  const like = TARGET_FORMS.filter((form) => form.some((name) => known.includes(name)));
  return like.map((form) => form.join(' + ')).join(', or ');
}

function isTargetField(name: string): name is TargetField {
  return Object.hasOwn(TARGET_FIELDS, name);
}

function kept(rule: FieldRule, value: unknown): unknown {
  return typeof value === 'string' && rule.keep !== undefined ? rule.keep(value) : value;
}

function wrong(place: string, rule: FieldRule, value: unknown): string {
  const noSecret = typeof value === 'string' && hasSecret(value) ? `, and no ${SECRETS}` : '';
  return `${place} must be ${rule.mustBe}${noSecret}, got ${shown(value)}`;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
