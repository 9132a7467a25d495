/** JSON batching: up to 20 requests in one, each on its own account, answered in any order. Layer: simulator. */
import type { Random } from '../../domain/ports.ts';
import type { SimulatedResponse } from '../wire/graph-answer.ts';

/** Source: microsoft-graph-docs-contrib `concepts/json-batching.md` (read 2026-11-22). */
const MAX_PARTS = 20;

export interface BatchPart {
  readonly id: string;
  readonly method: string;
  /** Relative to the version: `/deviceManagement/…`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  readonly dependsOn: readonly string[];
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;

/** The parts, or what is wrong with the batch as a whole. */
export function parseBatch(text: string | undefined): readonly BatchPart[] | string {
  let body: unknown;
  try {
    body = JSON.parse(text ?? '');
  } catch (error) {
    if (error instanceof SyntaxError) return 'Unable to read JSON request payload.';
    throw error;
  }
  const requests = asRecord(body)?.requests;
  if (!Array.isArray(requests)) return "Invalid batch payload format: 'requests' is missing.";
  if (requests.length > MAX_PARTS) return `Number of batch request steps exceeds the maximum value of ${MAX_PARTS}.`;
  const parts: BatchPart[] = [];
  const ids = new Set<string>();
  for (const request of requests) {
    const part = asRecord(request);
    const id = part?.id;
    const method = part?.method;
    const url = part?.url;
    if (part === undefined || typeof id !== 'string' || typeof method !== 'string' || typeof url !== 'string') {
      return 'Invalid batch payload format: a request needs id, method and url.';
    }
    if (ids.has(id)) return `Request id '${id}' is not unique.`;
    if (/^[a-z]+:/i.test(url) || url.startsWith('//') || /^\/?(v1\.0|beta)\//.test(url)) {
      return `The URL of request '${id}' must be relative to the version.`;
    }
    ids.add(id);
    const given = Object.entries(asRecord(part.headers) ?? {});
    const dependsOn = part.dependsOn;
    parts.push({
      id,
      method: method.toUpperCase(),
      url: url.startsWith('/') ? url : `/${url}`,
      headers: Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), String(value)])),
      dependsOn: Array.isArray(dependsOn) ? dependsOn.map(String) : [],
      ...(part.body === undefined ? {} : { body: JSON.stringify(part.body) }),
    });
  }
  return parts;
}

/** Answers every part through `answer` and shuffles the answers. A part whose prerequisite failed gets 424. */
export function answerBatch(
  parts: readonly BatchPart[],
  random: Random,
  answer: (part: BatchPart) => SimulatedResponse,
): string {
  const statuses = new Map<string, number>();
  const answers: string[] = [];
  for (const part of parts) {
    const failed = part.dependsOn.some((id) => (statuses.get(id) ?? 424) >= 400);
    const response: SimulatedResponse = failed
      ? {
          status: 424,
          headers: {},
          body: '{"error":{"code":"FailedDependency","message":"A request it depends on failed."}}',
        }
      : answer(part);
    statuses.set(part.id, response.status);
    answers.push(partJson(part.id, response));
  }
  for (let i = answers.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random.next() * (i + 1));
    [answers[i], answers[j]] = [answers[j] as string, answers[i] as string];
  }
  return `{"responses":[${answers.join(',')}]}`;
}

/** Parts have few headers; Retry-After is one. */
function partJson(id: string, { status, headers, body }: SimulatedResponse): string {
  const kept: Record<string, string> = {};
  if (headers['retry-after'] !== undefined) kept['Retry-After'] = headers['retry-after'];
  if (headers['content-type'] !== undefined) kept['Content-Type'] = headers['content-type'];
  const rest = body === undefined ? '' : `,"body":${body}`;
  return `{"id":${JSON.stringify(id)},"status":${status},"headers":${JSON.stringify(kept)}${rest}}`;
}
