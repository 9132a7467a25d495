/** Names quarantined messages. Layer: app. */
import { createHash } from 'node:crypto';

/**
 * The same message of the same queue gets the same id, so that a second delivery finds, or overwrites, the first.
 * `key`: what `readMessage` tells messages apart by.
 */
export function quarantineId(queue: string, key: string): string {
  return `${queue}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
}
