/** Doorbell: the timer that starts a scheduled run, or carries on the one in progress. Layer: functions. */
import { app, type InvocationContext, type Timer } from '@azure/functions';
import { keyturn } from '../src/composition.ts';
import { invocationOf } from './context/invocation-of.ts';

app.timer('scheduled-rotation', {
  schedule: '%ROTATION_SCHEDULE%',
  handler: (_timer: Timer, context: InvocationContext) => keyturn().scheduledRotation(invocationOf(context)),
});
