/** Doorbell: queue `encryption-states` brings slices whose next look has fallen due. Layer: functions. */
import { app, type InvocationContext } from '@azure/functions';
import { keyturn } from '../src/composition.ts';
import { invocationOf } from './context/invocation-of.ts';

app.storageQueue('record-encryption-state', {
  queueName: 'encryption-states',
  connection: 'AzureWebJobsStorage',
  handler: (message: unknown, context: InvocationContext) =>
    keyturn().recordEncryptionState(message, invocationOf(context)),
});
