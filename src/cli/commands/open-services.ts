/** The services of this process, ready for use. Layer: cli. */
import { createServices, type Services } from '../../services.ts';
import type { CliContext } from '../context.ts';

/** Tables, queues and containers exist afterwards. @throws {SettingsError} naming every problem. @throws {StorageError} */
export async function openServices(context: CliContext): Promise<Services> {
  const services = createServices({ environment: context.environment });
  await services.ready();
  return services;
}
