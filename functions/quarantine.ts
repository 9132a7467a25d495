/** Doorbells: one per poison queue; each message is kept in the ledger before its trigger deletes it. Layer: functions. */
import { app, type InvocationContext } from '@azure/functions';
import { keyturn } from '../src/composition.ts';
import { invocationOf } from './context/invocation-of.ts';

for (const queueName of ['rotation-runs', 'encryption-states', 'rotation-requests']) {
  app.storageQueue(`quarantine-${queueName}`, {
    queueName: `${queueName}-poison`,
    connection: 'AzureWebJobsStorage',
    handler: (message: unknown, context: InvocationContext) =>
      keyturn().quarantine(queueName, message, invocationOf(context)),
  });
}
