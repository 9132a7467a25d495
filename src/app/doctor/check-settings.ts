/** The settings: whether they are right, and which of them somebody should know about. Pure. Layer: app. */
import { assertNever } from '../../domain/assert-never.ts';
import { percent, plural } from '../../domain/plain-figures.ts';
import type { Settings } from '../../domain/settings.ts';
import { type Check, fail, ok, skipped, warn } from './check.ts';
import type { DoctorDeps, StorageSignIn } from './doctor-deps.ts';

export function checkSettings({ problems, given, settings, storage }: DoctorDeps): readonly Check[] {
  const isWrong = (name: string) => problems.some((problem) => problem.name === name);
  return [
    problems.length === 0
      ? ok('settings', `${plural(given, 'setting')} given, all of them right; the others have their defaults`)
      : fail(
          'settings',
          problems.map(({ name, rule, given: value }) => `${name} ${rule}; given: ${value}`).join('. '),
          'correct them; until then every invocation stops with this list and nothing is done',
        ),
    settings === undefined || isWrong('ROTATION_MODE') ? skipped('mode', 'settings') : checkMode(settings),
    settings === undefined || isWrong('ROTATION_CANARY_DEVICES')
      ? skipped('canary', 'settings')
      : checkCanary(settings),
    storage === undefined ? skipped('storageIdentity', 'settings') : checkSignIn(storage.signIn),
  ];
}

function checkMode({ mode }: Settings): Check {
  switch (mode) {
    case 'live':
      return ok('mode', 'ROTATION_MODE is live: due devices are rotated on schedule');
    case 'dryRun':
      return warn(
        'mode',
        'ROTATION_MODE is dryRun: runs plan and report, and rotate nothing',
        'set ROTATION_MODE=live once `npx keyturn plan` shows what you expect',
      );
    case 'off':
      return warn(
        'mode',
        'ROTATION_MODE is off, the kill switch: nothing is planned or rotated',
        'set ROTATION_MODE to dryRun or live when the reason for it is gone',
      );
    default:
      return assertNever(mode, 'mode');
  }
}

function checkCanary({ canaryDevices, canaryMinProven }: Settings): Check {
  if (canaryDevices === 0) {
    return warn(
      'canary',
      'ROTATION_CANARY_DEVICES is 0: a run asks the whole fleet at once, and a policy that is missing shows only afterwards',
      'set ROTATION_CANARY_DEVICES=20',
    );
  }
  return ok(
    'canary',
    `${plural(canaryDevices, 'canary', 'canaries')} first, of which ${percent(canaryMinProven)} must be proven`,
  );
}

function checkSignIn(signIn: StorageSignIn): Check {
  switch (signIn) {
    case 'identity':
      return ok('storageIdentity', 'storage is signed in to with an identity');
    case 'emulator':
      return ok('storageIdentity', 'storage is an emulator on this machine');
    case 'key':
    case 'signature':
      return warn(
        'storageIdentity',
        `AzureWebJobsStorage is a connection string with ${signIn === 'key' ? 'an account key' : 'a shared access signature'}, a secret in the settings`,
        'set AzureWebJobsStorage__accountName and give the identity its roles instead (infra/main.bicep does)',
      );
    default:
      return assertNever(signIn, 'way to sign in');
  }
}
