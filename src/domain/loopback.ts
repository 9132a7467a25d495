/** Hosts that never leave this machine. Pure. Layer: domain. */

/** `hostname`: as a URL has it, without a port; IPv6 in brackets. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
