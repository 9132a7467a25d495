/** Doorbell: the host is about to end this process; save checkpoints first. Layer: functions. */
import { app } from '@azure/functions';
import { keyturn } from '../src/composition.ts';

app.hook.appTerminate(() => keyturn().stop());
