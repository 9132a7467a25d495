/** The services of this process, ready for use. Layer: cli. */

import { StorageError } from '../../domain/storage-error.ts';
import { createServices, type Services } from '../../services.ts';
import type { CliContext } from '../context.ts';

/** Tables, queues and containers exist afterwards. @throws {SettingsError} naming every problem. @throws {StorageError} */
export async function openServices(context: CliContext): Promise<Services> {
  const services = createServices({ environment: context.environment });
  await services.ready();
  return services;
}

/** The same for a command that only looks: where the identity may create nothing, what is there is enough. @throws {SettingsError} {@link StorageError} */
export async function openForReading(context: CliContext): Promise<Services> {
  const services = createServices({ environment: context.environment });
  try {
    await services.ready();
  } catch (error) {
    if (!(error instanceof StorageError) || error.kind !== 'forbidden') throw error;
  }
  return services;
}
