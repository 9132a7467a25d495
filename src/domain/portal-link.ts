/** Where a device is found in the Intune admin center of its cloud. Pure. Layer: domain. */
import { isGuid } from './ids.ts';
import type { GraphCloud } from './settings.ts';

/**
 * The admin center of each cloud, without trailing slash.
 * Source: MicrosoftDocs/memdocs "Get help and support" (public, US Government), `includes/intune-endpoints-us-government.md` and
 * `includes/intune-endpoints-china.md`: "Microsoft Intune admin center" (read 2026-11-22).
 */
const ADMIN_CENTERS: Readonly<Record<GraphCloud, string>> = {
  global: 'https://intune.microsoft.com',
  usgov: 'https://intune.microsoft.us',
  usgovdod: 'https://intune.microsoft.us',
  china: 'https://intune.microsoftonline.cn',
};

/** Observed: the address that the admin center shows for a device, and that other tools link to; Microsoft does not document it. */
const OVERVIEW = '/#view/Microsoft_Intune_Devices/DeviceSettingsMenuBlade/~/overview/mdmDeviceId/';

/** `undefined` for what is no managed device id: nothing else ever becomes part of an address. */
export function portalLink(cloud: GraphCloud, managedDeviceId: string): string | undefined {
  return isGuid(managedDeviceId) ? `${ADMIN_CENTERS[cloud]}${OVERVIEW}${managedDeviceId}` : undefined;
}
