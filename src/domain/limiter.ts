/** At most so many at once; what `p-limit` makes. Layer: domain (port). */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>;
