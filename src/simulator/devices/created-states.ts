/** Encryption states that were created through Graph, and how often for which device. Layer: simulator. */

/** One that was created. */
export interface CreatedState {
  /** The tenant's own; a body's `id` does not become it. */
  readonly id: string;
  /** The `id` in the request's body, if there was one. */
  readonly givenId?: string;
  readonly deviceName?: string;
  readonly atMs: number;
}

export interface CreatedStates {
  /** Keeps one. `times`: how often the very same body came, each time less than the window after the one before. */
  add(
    id: string,
    body: Readonly<Record<string, unknown>>,
    atMs: number,
  ): { readonly json: string; readonly times: number };
  /** JSON by id. */
  json(id: string): string | undefined;
  /** JSON, oldest first. */
  readonly list: readonly string[];
  /** Oldest first. */
  readonly log: readonly CreatedState[];
  /** How many bodies gave that `id` or `deviceName`, in any letter case. */
  countFor(device: string): number;
}

const TYPE = '#microsoft.graph.managedDeviceEncryptionState';
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** None yet. `againWithinMs`: so soon after each other two equal bodies are one state sent twice, not two states that look alike. */
export function createCreatedStates(againWithinMs: number): CreatedStates {
  const list: string[] = [];
  const log: CreatedState[] = [];
  const positions = new Map<string, number>();
  const counts = new Map<string, number>();
  const series = new Map<string, { readonly atMs: number; readonly times: number }>();

  return {
    list,
    log,
    add(id, body, atMs) {
      const { '@odata.type': _, id: given, ...rest } = body;
      const json = JSON.stringify({ '@odata.type': TYPE, id, ...rest });
      positions.set(id, list.length);
      list.push(json);
      const givenId = textOf(given);
      const deviceName = textOf(body.deviceName);
      log.push({
        ...{ id, atMs },
        ...(givenId === undefined ? {} : { givenId }),
        ...(deviceName === undefined ? {} : { deviceName }),
      });
      for (const name of new Set([givenId?.toLowerCase(), deviceName?.toLowerCase()])) {
        if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      const text = JSON.stringify(body);
      const last = series.get(text);
      const times = last !== undefined && atMs - last.atMs < againWithinMs ? last.times + 1 : 1;
      series.set(text, { atMs, times });
      return { json, times };
    },
    json(id) {
      const position = positions.get(id.toLowerCase());
      return position === undefined ? undefined : list[position];
    },
    countFor: (device) => counts.get(device.toLowerCase()) ?? 0,
  };
}
