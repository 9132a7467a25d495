/** What Intune says of the rotation action on one device. Layer: domain. */

/** Source: v1.0 metadata, enum `actionState` (read 2026-11-22). `unknown` covers members Graph may add. */
export type ActionState = 'none' | 'pending' | 'canceled' | 'active' | 'done' | 'failed' | 'notSupported' | 'unknown';

/** One `deviceActionResults` entry of a `rotateBitLockerKeys` action; other actions never get this far. */
export interface ActionResult {
  readonly state: ActionState;
  /** Graph's clock; when the action was asked for. */
  readonly startedAtMs: number;
  readonly lastUpdatedAtMs: number;
  /** Int32; HRESULTs arrive negative. Absent when Graph sent none. */
  readonly errorCode?: number;
}

/** The device will do nothing more for this action. */
export function isFinalAction(state: ActionState): boolean {
  return state === 'done' || state === 'failed' || state === 'canceled' || state === 'notSupported';
}
