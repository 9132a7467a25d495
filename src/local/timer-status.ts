/** What a timer remembers between starts of the host, so that it notices an occurrence it missed. Layer: local. */
import { RestError } from '@azure/core-rest-pipeline';
import type { ContainerClient } from '@azure/storage-blob';

export interface TimerStatus {
  /** The last time it fired; absent when it never has. */
  readonly lastMs?: number;
  /** The occurrence it waits for. */
  readonly nextMs: number;
  /** What `nextMs` was computed from. */
  readonly lastUpdatedMs: number;
}

export interface TimerStatusStore {
  read(functionName: string): Promise<TimerStatus | undefined>;
  write(functionName: string, status: TimerStatus): Promise<void>;
}

/** Forgets with the process: every start is the first one. */
export function createMemoryTimerStatus(): TimerStatusStore {
  const statuses = new Map<string, TimerStatus>();
  return {
    read: async (functionName) => statuses.get(functionName),
    write: async (functionName, status) => void statuses.set(functionName, status),
  };
}

/** .NET writes a DateTime that was never set as this. */
const NEVER = '0001-01-01T00:00:00';

/** The status as the Functions host writes it, and hands it to the function. */
export function toWireStatus(status: TimerStatus): { Last: string; Next: string; LastUpdated: string } {
  return {
    Last: status.lastMs === undefined ? NEVER : new Date(status.lastMs).toISOString(),
    Next: new Date(status.nextMs).toISOString(),
    LastUpdated: new Date(status.lastUpdatedMs).toISOString(),
  };
}

function fromWireStatus(wire: unknown): TimerStatus | undefined {
  const { Last, Next, LastUpdated } = (typeof wire === 'object' && wire !== null ? wire : {}) as Record<
    string,
    unknown
  >;
  const [lastMs, nextMs, lastUpdatedMs] = [Last, Next, LastUpdated].map((value) => Date.parse(String(value)));
  if (nextMs === undefined || Number.isNaN(nextMs)) return undefined;
  if (lastUpdatedMs === undefined || Number.isNaN(lastUpdatedMs)) return undefined;
  const hasFired = lastMs !== undefined && lastMs > 0;
  return hasFired ? { lastMs, nextMs, lastUpdatedMs } : { nextMs, lastUpdatedMs };
}

/**
 * Keeps the status where the Functions host does: `timers/<host id>/Host.Functions.<name>/status` in the container
 * `azure-webjobs-hosts`, which is made when it is missing. An unreadable status counts as none.
 * Source: azure-webjobs-sdk-extensions `StorageScheduleMonitor` (read 2026-11-22).
 */
export function createBlobTimerStatus(container: ContainerClient, hostId: string): TimerStatusStore {
  const blobOf = (functionName: string) =>
    container.getBlockBlobClient(`timers/${hostId}/Host.Functions.${functionName}/status`);
  return {
    async read(functionName) {
      try {
        return fromWireStatus(JSON.parse((await blobOf(functionName).downloadToBuffer()).toString('utf8')));
      } catch (error) {
        if (error instanceof SyntaxError || (error instanceof RestError && error.statusCode === 404)) return undefined;
        throw error;
      }
    },
    async write(functionName, status) {
      const text = JSON.stringify(toWireStatus(status));
      const upload = () => blobOf(functionName).upload(text, Buffer.byteLength(text));
      try {
        await upload();
      } catch (error) {
        if (!(error instanceof RestError) || error.code !== 'ContainerNotFound') throw error;
        await container.createIfNotExists();
        await upload();
      }
    },
  };
}
