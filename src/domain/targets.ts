/** What one rotation request is aimed at. Layer: domain. */
import type { EntraDeviceId, ManagedDeviceId } from './ids.ts';

/** A device named by someone who wants it rotated now. */
export type RotationTarget = { readonly managedDeviceId: ManagedDeviceId } | { readonly entraDeviceId: EntraDeviceId };
