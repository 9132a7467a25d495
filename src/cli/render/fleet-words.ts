/** What the figures of a fleet mean, and what to do about them. Data. Layer: cli. */
import type { FleetNeed } from '../../app/fleet/fleet-devices.ts';
import {
  type FleetFigures,
  type FleetPicture,
  type WithoutKeyAge,
  withoutKeyAge,
} from '../../domain/fleet/fleet-picture.ts';
import { KEY_AGE_WORDS as AGE_WORDS, type KeyAgeClass, REASONS_WITHOUT_KEY_AGE } from '../../domain/key-ages.ts';
import { KEY_LIMIT_REMEDY, type ReasonWords } from '../../domain/skip-words.ts';

/** The words of every page and terminal, as they stand amid a list. Escrow was just read: no key known is no key there. */
export const KEY_AGE_WORDS: Readonly<Record<KeyAgeClass, string>> = {
  under30Days: AGE_WORDS.under30Days.toLowerCase(),
  under90Days: AGE_WORDS.under90Days.toLowerCase(),
  under180Days: AGE_WORDS.under180Days.toLowerCase(),
  under365Days: AGE_WORDS.under365Days.toLowerCase(),
  older: AGE_WORDS.older.toLowerCase(),
  none: 'no key in escrow',
};

/** Why a device has no age. */
const WITHOUT_KEY_AGE_WORDS: Readonly<Record<keyof WithoutKeyAge, string>> = {
  noEntraDeviceId: 'no Entra device id: age not known',
  duplicateRecord: 'second record of a device',
  notWindows: 'not Windows',
};

/** The devices that are in no class of age, by why; those that occur. */
export function withoutKeyAgeWords(
  picture: FleetPicture,
): readonly { readonly title: string; readonly devices: number }[] {
  const counts = withoutKeyAge(picture);
  return REASONS_WITHOUT_KEY_AGE.filter((reason) => counts[reason] > 0).map((reason) => ({
    title: WITHOUT_KEY_AGE_WORDS[reason],
    devices: counts[reason],
  }));
}

export const NEED_WORDS: Readonly<Record<FleetNeed, ReasonWords & { readonly title: string }>> = {
  rotatedWithoutKey: {
    title: 'rotated, never escrowed',
    meaning: 'Intune says the rotation is done, and no newer key is in escrow: nobody may know what unlocks the disk',
    remedy:
      'back up the key on the device, or ask it once more, when no run holds it and an hour after the last time: npx keyturn request --device ID --reason TEXT',
  },
  neverAnswered: {
    title: 'never answering',
    meaning: 'asked, given up on after the last look, and nothing was heard since',
    remedy: 'get it online; later runs look at it, and let it go after 60 days',
  },
  atKeyLimit: {
    title: 'at the cap of 200 keys',
    meaning: '195 keys or more in escrow: a new one may soon be refused, so it is no longer asked',
    remedy: KEY_LIMIT_REMEDY,
  },
  nearKeyLimit: {
    title: 'near the cap of 200 keys',
    meaning: '180 to 194 keys in escrow',
    remedy: `before it is no longer asked: ${KEY_LIMIT_REMEDY}`,
  },
  withoutKey: {
    title: 'no key in escrow',
    meaning: 'no recovery key of its OS volume is in Entra ID',
    remedy: 'check that it is encrypted and that policy backs keys up; a run asks those that can be asked',
  },
  pastMaxKeyAge: {
    title: 'past the maximum age',
    meaning: 'newest key older than ROTATION_MAX_KEY_AGE',
    remedy: 'nothing when it can be asked; a run takes it',
  },
};

export const FIGURE_WORDS: Readonly<Record<keyof FleetFigures, string>> = {
  devices: 'devices',
  eligible: 'can be asked',
  inProgress: 'asked by a run that still looks',
  rotatedWithoutKey: NEED_WORDS.rotatedWithoutKey.title,
  neverAnswered: NEED_WORDS.neverAnswered.title,
  atKeyLimit: NEED_WORDS.atKeyLimit.title,
  nearKeyLimit: NEED_WORDS.nearKeyLimit.title,
  withoutKey: NEED_WORDS.withoutKey.title,
  pastMaxKeyAge: NEED_WORDS.pastMaxKeyAge.title,
};

/** A figure's name of `changesSince` in words. */
export function changeWords(name: string): string {
  const [group = '', part] = name.split('.');
  if (part === undefined) return FIGURE_WORDS[group as keyof FleetFigures] ?? name;
  return group === 'keyAges' ? `key: ${KEY_AGE_WORDS[part as KeyAgeClass] ?? part}` : `cannot be asked: ${part}`;
}
