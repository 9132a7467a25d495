/** Pictures of the fleet, kept to be compared with: small JSON files in container `reports`, the last times somebody looked. Layer: app. */
import { type FleetPicture, readPicture } from '../../domain/fleet/fleet-picture.ts';
import type { ReportFiles } from '../../domain/stored-files.ts';

/** Chosen: two months of a look every day, in 60 KB; one is compared with, the others are for people and their spreadsheets. */
export const MOST_PICTURES = 60;

/** Names sort by time. */
function prefixOf(tenantId: string): string {
  return `fleet/${tenantId}/`;
}

/** The latest one that can be read; `undefined` when there is none. @throws {StorageError} */
export async function latestPicture(
  files: Pick<ReportFiles, 'list' | 'read'>,
  tenantId: string,
): Promise<FleetPicture | undefined> {
  const names = await files.list(prefixOf(tenantId));
  for (const name of names.toReversed()) {
    const content = await files.read(name);
    const picture = content === undefined ? undefined : readPicture(parsed(await textOf(content)));
    if (picture?.tenantId === tenantId) return picture;
  }
  return undefined;
}

/** Of two made in one millisecond the first is kept. @throws {StorageError} */
export async function keepPicture(files: Pick<ReportFiles, 'create'>, picture: FleetPicture): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(picture), 'utf8');
  await files.create({
    name: `${prefixOf(picture.tenantId)}${picture.at.replaceAll(':', '-')}.json`,
    contentType: 'application/json',
    content: pieces(bytes),
    metadata: () => ({}),
  });
}

/**
 * Deletes all but the newest `MOST_PICTURES` of the tenant. Of two who do so at once each finds less to do. Where a policy of the container
 * keeps files, they stay. @throws {StorageError}
 */
export async function prunePictures(files: Pick<ReportFiles, 'list' | 'delete'>, tenantId: string): Promise<void> {
  const names = await files.list(prefixOf(tenantId));
  for (const name of names.slice(0, -MOST_PICTURES)) {
    // What keeps one keeps them all.
    if (!(await files.delete(name))) return;
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of content) all.push(piece);
  return Buffer.concat(all).toString('utf8');
}

/** `undefined` for what is no JSON: the container is open to whoever administers it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
