/** Doorbell: queue `rotation-requests` brings devices that someone wants rotated now. Layer: functions. */
import { app, type InvocationContext } from '@azure/functions';
import { keyturn } from '../src/composition.ts';
import { invocationOf } from './context/invocation-of.ts';
import { messageIdOf } from './context/message-id-of.ts';

app.storageQueue('rotate-on-demand', {
  queueName: 'rotation-requests',
  connection: 'AzureWebJobsStorage',
  handler: (message: unknown, context: InvocationContext) =>
    keyturn().rotateOnDemand(message, messageIdOf(context), invocationOf(context)),
});
