/** How a 429 says when to come back: every form seen in the field, and none. Layer: simulator. */

/**
 * `seconds`: whole. `fraction`: `2.128`. `date`: HTTP date. `absent`: nothing, as Intune often does. `nested`: only inside the JSON
 * string in `error.message`. `mixed`: any of these, seeded. `raw`: exactly that header value.
 */
export type RetryAfterForm = 'seconds' | 'fraction' | 'date' | 'absent' | 'nested' | 'mixed' | { readonly raw: string };

export interface RetryAfter {
  /** Value of the `Retry-After` header. */
  readonly header?: string;
  /** `RetryAfter` in the nested JSON. */
  readonly nestedSeconds?: number;
  /** Nothing of the class should be sent before this; absent when nothing was promised. */
  readonly untilMs?: number;
}

const FORMS = ['seconds', 'fraction', 'date', 'absent', 'nested'] as const;

/** Says `waitMs` in that form; whatever the form, it never says less. `random` in [0, 1) picks for `mixed`. */
export function formRetryAfter(form: RetryAfterForm, waitMs: number, nowMs: number, random: number): RetryAfter {
  if (typeof form === 'object') {
    const seconds = Number(form.raw);
    return form.raw.trim() !== '' && seconds >= 0
      ? { header: form.raw, untilMs: nowMs + seconds * 1000 }
      : { header: form.raw };
  }
  switch (form) {
    case 'mixed':
      return formRetryAfter(FORMS[Math.floor(random * FORMS.length)] ?? 'seconds', waitMs, nowMs, 0);
    case 'seconds': {
      const seconds = Math.ceil(waitMs / 1000);
      return { header: String(seconds), untilMs: nowMs + seconds * 1000 };
    }
    case 'fraction': {
      const ms = Math.ceil(waitMs);
      return { header: (ms / 1000).toFixed(3), untilMs: nowMs + ms };
    }
    case 'date': {
      const untilMs = Math.ceil((nowMs + waitMs) / 1000) * 1000;
      return { header: new Date(untilMs).toUTCString(), untilMs };
    }
    case 'absent':
      return {};
    case 'nested': {
      const ms = Math.ceil(waitMs);
      return { nestedSeconds: ms / 1000, untilMs: nowMs + ms };
    }
  }
}
