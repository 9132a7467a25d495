/** What the figures of a fleet mean, and what to do about them. Data. Layer: cli. */
import type { FleetNeed } from '../../app/fleet/fleet-devices.ts';
import type { FleetFigures } from '../../domain/fleet/fleet-picture.ts';
import type { KeyAgeClass } from '../../domain/key-ages.ts';
import type { ReasonWords } from './words.ts';

export const KEY_AGE_WORDS: Readonly<Record<KeyAgeClass, string>> = {
  under30Days: 'under 30 days',
  under90Days: '30 to 89 days',
  under180Days: '90 to 179 days',
  under365Days: '180 to 364 days',
  older: 'a year or more',
  none: 'no key in escrow',
};

export const NEED_WORDS: Readonly<Record<FleetNeed, ReasonWords & { readonly title: string }>> = {
  rotatedWithoutKey: {
    title: 'rotated, never escrowed',
    meaning: 'Intune says the rotation is done, and no newer key is in escrow: nobody may know what unlocks the disk',
    remedy: 'back up the key on the device, or ask it once more: keyturn request --device ID --reason TEXT',
  },
  neverAnswered: {
    title: 'never answering',
    meaning: 'asked, given up on after the last look, and nothing was heard since',
    remedy: 'get it online; later runs look at it, and let it go after 60 days',
  },
  atKeyLimit: {
    title: 'at the cap of 200 keys',
    meaning: 'escrow would refuse a new key soon, so it is no longer asked',
    remedy: 'delete old keys or re-register the device',
  },
  nearKeyLimit: {
    title: 'near the cap of 200 keys',
    meaning: '180 keys or more in escrow',
    remedy: 'delete old keys before it is no longer asked',
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
