/** What the process answers its caller. Layer: cli. */

/** `done`: the work was done, whatever devices answered. `failed`: aborted or faulted. `usage`: usage or configuration. Source: design contract, "CLI". */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
