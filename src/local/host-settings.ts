/** Reads the queue settings of `host.json`, with the defaults and limits of the Functions host. Layer: local. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LocalHostError } from './local-host-error.ts';

/** Source: learn.microsoft.com, "host.json reference: queues", Storage extension 5.x (read 2026-11-22). */
export interface QueueSettings {
  /** Messages fetched at once, 1 to 32. */
  readonly batchSize: number;
  /** The next batch is fetched when this many or fewer are being processed; so at most `batchSize + newBatchThreshold` run at once. */
  readonly newBatchThreshold: number;
  /** Longest wait between polls of a queue that stays empty. */
  readonly maxPollingIntervalMs: number;
  /** How long a message stays hidden after a failure. */
  readonly visibilityTimeoutMs: number;
  /** Deliveries before a message moves to the poison queue, at least 1. */
  readonly maxDequeueCount: number;
  readonly messageEncoding: 'none' | 'base64';
  /**
   * How long a message is hidden while its function runs; renewed at half of it.
   * Not in host.json: the Functions host always uses ten minutes.
   * Source: azure-webjobs-sdk, `QueueListener` (read 2026-11-22).
   */
  readonly runningVisibilityMs: number;
}

const RUNNING_VISIBILITY_MS = 600_000;

/** `[d.]hh:mm:ss[.fff]`, as .NET writes a TimeSpan. */
function parseTimeSpan(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$/.exec(text);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1, 5).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + Math.round(Number(`0.${match[5] ?? 0}`) * 1000);
}

function section(value: unknown, name: string): Record<string, unknown> {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
}

/**
 * The queue settings in the parsed `host.json`. Unknown settings are left alone; every wrong one is named.
 * @throws {LocalHostError} kind `hostJson`.
 */
export function parseHostJson(json: unknown): QueueSettings {
  const queues = section(section(json, 'extensions'), 'queues');
  const problems: string[] = [];
  const reject = (name: string, rule: string) =>
    problems.push(`extensions.queues.${name} must be ${rule}, got ${JSON.stringify(queues[name])}`);

  function whole(name: string, fallback: number, min: number, max: number): number {
    const value = queues[name] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    reject(name, `a whole number from ${min} to ${max}`);
    return fallback;
  }
  function duration(name: string, fallbackMs: number, minMs: number): number {
    const value = queues[name];
    if (value === undefined) return fallbackMs;
    // A bare number is milliseconds in the older form of maxPollingInterval.
    const ms = typeof value === 'number' && name === 'maxPollingInterval' ? value : parseTimeSpan(String(value));
    if (ms !== undefined && ms >= minMs) return ms;
    reject(name, `a time span hh:mm:ss of at least ${minMs} ms`);
    return fallbackMs;
  }

  const version = typeof json === 'object' && json !== null ? (json as { version?: unknown }).version : undefined;
  if (version !== '2.0') problems.push(`version must be "2.0", got ${JSON.stringify(version) ?? 'nothing'}`);
  const encoding = queues.messageEncoding ?? 'base64';
  const batchSize = whole('batchSize', 16, 1, 32);
  const settings: QueueSettings = {
    batchSize,
    newBatchThreshold: whole('newBatchThreshold', Math.floor(batchSize / 2), 0, 1000),
    maxPollingIntervalMs: duration('maxPollingInterval', 60_000, 100),
    visibilityTimeoutMs: duration('visibilityTimeout', 0, 0),
    maxDequeueCount: whole('maxDequeueCount', 5, 1, 1_000_000),
    messageEncoding: String(encoding).toLowerCase() === 'none' ? 'none' : 'base64',
    runningVisibilityMs: RUNNING_VISIBILITY_MS,
  };
  if (!['none', 'base64'].includes(String(encoding).toLowerCase())) reject('messageEncoding', '"none" or "base64"');
  if (problems.length > 0) throw new LocalHostError('hostJson', `host.json: ${problems.join('; ')}`);
  return settings;
}

/** The queue settings of `host.json` in `packageRoot`. @throws {LocalHostError} kind `hostJson`. */
export async function readHostSettings(packageRoot: string): Promise<QueueSettings> {
  const file = path.join(packageRoot, 'host.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new LocalHostError('hostJson', `${file}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return parseHostJson(json);
}
