/** Recovery keys that were escrowed through Graph. Passwords are held in memory and handed out one at a time, never listed. Layer: simulator. */
import type { KeyVolume } from './escrowed-key.ts';

/** One key that arrived; without its password. */
export interface ReceivedKey {
  readonly operation: 'add' | 'update';
  /** As in the URL; absent with `update`, whose URL names no user. */
  readonly userId?: string;
  readonly entraDeviceId: string;
  readonly volume: KeyVolume;
  readonly keyId: string;
  readonly atMs: number;
}

export interface ReceivedKeys {
  add(key: ReceivedKey, secret: string): void;
  /** Oldest first. */
  readonly log: readonly ReceivedKey[];
  /** The recovery password that arrived last for that key. */
  secretOf(keyId: string): string | undefined;
}

/** None yet. */
export function createReceivedKeys(): ReceivedKeys {
  const log: ReceivedKey[] = [];
  const secrets = new Map<string, string>();
  return {
    log,
    add(key, secret) {
      log.push(key);
      secrets.set(key.keyId, secret);
    },
    secretOf: (keyId) => secrets.get(keyId.toLowerCase()),
  };
}
