/** The product's version, as in package.json (a test compares them). Layer: wiring. */
export const VERSION = '0.1.0';
