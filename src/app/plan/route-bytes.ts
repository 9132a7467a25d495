/** The URL form a device is asked by, at the end of a compact record. Layer: app. */
import type { RotationRoute } from '../../domain/targets.ts';

/** Bytes before the JSON: how many there are. */
const LENGTH_BYTES = 4;

/** Length and JSON; `readRoute` gives the same route back. */
export function encodeRoute(route: RotationRoute): Uint8Array {
  const json = Buffer.from(JSON.stringify(route), 'utf8');
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json]);
}

/** How many bytes the route at `offset` takes. */
export function routeSize(bytes: Buffer, offset: number): number {
  return LENGTH_BYTES + bytes.readUInt32LE(offset);
}

/** The route at `offset`. */
export function readRoute(bytes: Buffer, offset: number): RotationRoute {
  return JSON.parse(bytes.toString('utf8', offset + LENGTH_BYTES, offset + routeSize(bytes, offset))) as RotationRoute;
}
