/** Doorbell: queue `rotation-runs` carries a run past one invocation. Layer: functions. */
import { app, type InvocationContext } from '@azure/functions';
import { keyturn } from '../src/composition.ts';
import { invocationOf } from './context/invocation-of.ts';

app.storageQueue('continue-rotation', {
  queueName: 'rotation-runs',
  connection: 'AzureWebJobsStorage',
  handler: (message: unknown, context: InvocationContext) => keyturn().continueRotation(message, invocationOf(context)),
});
