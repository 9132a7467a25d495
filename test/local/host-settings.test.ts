import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseHostJson, readHostSettings } from '../../src/local/host-settings.ts';

const withQueues = (queues: object) => ({ version: '2.0', extensions: { queues } });

describe('host.json queue settings', () => {
  it('has the defaults of the Functions host', () => {
    expect(parseHostJson({ version: '2.0' })).toEqual({
      batchSize: 16,
      newBatchThreshold: 8,
      maxPollingIntervalMs: 60_000,
      visibilityTimeoutMs: 0,
      maxDequeueCount: 5,
      messageEncoding: 'base64',
      runningVisibilityMs: 600_000,
    });
  });

  it('reads every setting', () => {
    const queues = {
      batchSize: 4,
      newBatchThreshold: 1,
      maxPollingInterval: '00:00:02',
      visibilityTimeout: '00:05:00',
      maxDequeueCount: 8,
      messageEncoding: 'none',
    };
    expect(parseHostJson(withQueues(queues))).toEqual({
      batchSize: 4,
      newBatchThreshold: 1,
      maxPollingIntervalMs: 2_000,
      visibilityTimeoutMs: 300_000,
      maxDequeueCount: 8,
      messageEncoding: 'none',
      runningVisibilityMs: 600_000,
    });
  });

  it('fetches the next batch at half of the batch size unless told otherwise', () => {
    expect(parseHostJson(withQueues({ batchSize: 5 })).newBatchThreshold).toBe(2);
    expect(parseHostJson(withQueues({ batchSize: 1 })).newBatchThreshold).toBe(0);
  });

  it.each([
    ['00:00:00.250', 250],
    ['1.02:03:04', 93_784_000],
    [1500, 1_500],
  ])('reads the time span %s', (maxPollingInterval, ms) => {
    expect(parseHostJson(withQueues({ maxPollingInterval })).maxPollingIntervalMs).toBe(ms);
  });

  it('names every wrong setting with its rule and value', () => {
    const queues = {
      batchSize: 33,
      maxDequeueCount: 0,
      visibilityTimeout: '5 min',
      maxPollingInterval: 1,
      messageEncoding: 'hex',
    };
    const read = () => parseHostJson({ version: '1.0', extensions: { queues } });
    for (const part of [
      'version must be "2.0", got "1.0"',
      'extensions.queues.batchSize must be a whole number from 1 to 32, got 33',
      'extensions.queues.maxDequeueCount',
      'extensions.queues.visibilityTimeout must be a time span hh:mm:ss of at least 0 ms, got "5 min"',
      'extensions.queues.maxPollingInterval',
      'extensions.queues.messageEncoding must be "none" or "base64", got "hex"',
    ]) {
      expect(read).toThrow(expect.objectContaining({ kind: 'hostJson', message: expect.stringContaining(part) }));
    }
  });

  it.each([[null], ['text'], [[]], [{}]])('refuses %j, which is no host.json', (json) => {
    expect(() => parseHostJson(json)).toThrow('version must be "2.0"');
  });
});

describe('host.json on disk', () => {
  const folders: string[] = [];
  const folder = async (content?: string): Promise<string> => {
    const root = await mkdtemp(path.join(tmpdir(), 'keyturn-host-json-'));
    folders.push(root);
    if (content !== undefined) await writeFile(path.join(root, 'host.json'), content);
    return root;
  };
  afterEach(async () => {
    for (const root of folders.splice(0)) await rm(root, { recursive: true });
  });

  it('is read from the root of the package', async () => {
    const root = await folder(JSON.stringify(withQueues({ batchSize: 2 })));
    await expect(readHostSettings(root)).resolves.toMatchObject({ batchSize: 2, newBatchThreshold: 1 });
  });

  it('of this app polls every two seconds, reads plain JSON, and outlasts an outage of minutes', async () => {
    const settings = await readHostSettings(path.join(import.meta.dirname, '../..'));
    expect(settings).toMatchObject({ maxPollingIntervalMs: 2_000, messageEncoding: 'none' });
    // What fails is delivered again after minutes, not at once: an outage must not poison everything in flight.
    expect(settings.visibilityTimeoutMs).toBeGreaterThanOrEqual(60_000);
    expect(settings.visibilityTimeoutMs * settings.maxDequeueCount).toBeGreaterThanOrEqual(30 * 60_000);
  });

  it.each([[undefined], ['{ not json']])('is named with the reason when it cannot be read (%j)', async (content) => {
    const root = await folder(content);
    await expect(readHostSettings(root)).rejects.toMatchObject({
      kind: 'hostJson',
      message: expect.stringContaining(path.join(root, 'host.json')),
    });
  });
});
