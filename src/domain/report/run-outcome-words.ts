/** What an outcome means in a run: one over named devices is not followed by another. Pure. Layer: domain. */
import type { DeviceOutcome } from './device-outcome.ts';
import { OUTCOME_WORDS, type OutcomeWords } from './outcome-words.ts';

/** What a run over named devices says otherwise: no later run comes to them by itself. */
const ON_DEMAND_WORDS: Readonly<Partial<Record<DeviceOutcome, Pick<OutcomeWords, 'meaning' | 'remedy'>>>> = {
  neverTaken: {
    meaning: OUTCOME_WORDS.neverTaken.meaning,
    remedy: 'Nothing was rotated: ask again; should that end likewise, open the device in Intune',
  },
  notAsked: {
    meaning: 'named, and not asked (yet)',
    remedy: 'Nothing once the run goes on; after an aborted run, ask again',
  },
  overRunLimit: {
    meaning: 'named, but beyond ROTATION_MAX_DEVICES',
    remedy: 'Ask again for it in another request, or raise the setting',
  },
  keyTooYoung: {
    meaning: 'key, or last request, younger than an hour when the run was planned',
    remedy: 'Nothing; ask again an hour later, should it still be needed',
  },
  wouldAsk: {
    meaning: 'named; a dry run asks nobody',
    remedy: 'Set ROTATION_MODE to live and ask again, with another request id',
  },
};

/** The words for an outcome of that run. */
export function outcomeWords(outcome: DeviceOutcome, { targets }: { readonly targets?: number }): OutcomeWords {
  const words = OUTCOME_WORDS[outcome];
  return targets === undefined ? words : { ...words, ...ON_DEMAND_WORDS[outcome] };
}
