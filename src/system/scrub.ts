/** The scrubber under its former address, for the command line. Layer: system. */
export { scrub } from '../domain/scrub.ts';
