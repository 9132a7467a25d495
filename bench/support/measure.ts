/** What this process has used: CPU and the most memory it ever held. Layer: bench. */

/** MiB, from bytes. */
const mib = (bytes: number): number => bytes / 2 ** 20;

/** Since `startMeasuring`. */
export interface Used {
  /** User and system time of this process, all its threads, s. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** The most the process ever held, Node itself included, MiB. */
  readonly peakMiB: number;
  /** What it held before the work began: Node and the loaded modules, MiB. */
  readonly baselineMiB: number;
}

/** Begins to measure; the returned function says what was used since. The peak is that of the process's whole life. */
export function startMeasuring(): () => Used {
  const cpuBefore = process.cpuUsage();
  const wallBefore = performance.now();
  const baselineMiB = mib(process.memoryUsage.rss());
  return () => {
    const cpu = process.cpuUsage(cpuBefore);
    return {
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      wallSeconds: (performance.now() - wallBefore) / 1_000,
      peakMiB: process.resourceUsage().maxRSS / 1_024,
      baselineMiB,
    };
  };
}
