/** Counts what planning reads, for the progress display. Layer: cli. */
import type { Page, Tenant } from '../../domain/tenant.ts';

export interface ReadCounts {
  readonly devices: number;
  readonly keys: number;
}

/** The tenant, and how much was listed through it so far. */
export function countReading(tenant: Tenant): { readonly tenant: Tenant; readonly counts: () => ReadCounts } {
  let devices = 0;
  let keys = 0;
  async function* counted<T>(pages: AsyncIterable<Page<T>>, count: (items: number) => void): AsyncIterable<Page<T>> {
    for await (const page of pages) {
      count(page.items.length);
      yield page;
    }
  }
  return {
    tenant: {
      ...tenant,
      managedDevicePages: (from, options) =>
        counted(tenant.managedDevicePages(from, options), (items) => {
          devices += items;
        }),
      recoveryKeyPages: (from, options) =>
        counted(tenant.recoveryKeyPages(from, options), (items) => {
          keys += items;
        }),
    },
    counts: () => ({ devices, keys }),
  };
}
