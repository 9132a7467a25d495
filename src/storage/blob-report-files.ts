/** Report files in an Azure blob container. Layer: storage adapter. */
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import type { Random } from '../domain/ports.ts';
import type { NewReport, ReportFiles } from '../domain/stored-files.ts';
import { guarded, readFault, type StorageOperation, toStorageError } from './fault.ts';
import { inBlocks } from './in-blocks.ts';

/** Metadata that tells our own earlier try from someone else's file. */
const WRITER = 'writer';

/**
 * Chosen: a file of 100,000 devices takes some twenty requests, and one block little of the memory. A blob has at most 50,000 blocks.
 * Source: Put Block, "Remarks" (read 2026-11-22).
 */
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Ids of one blob's blocks must be equally long. Source: Put Block, "URI parameters" (read 2026-11-22). */
const BLOCK_DIGITS = 6;

const MISSING: ReadonlySet<string> = new Set(['BlobNotFound']);
/**
 * `InvalidBlockList`: the winner's commit dropped the blocks that the loser had not committed yet.
 * Source: Put Block List, "Remarks" (read 2026-11-22).
 */
const TAKEN: ReadonlySet<string> = new Set(['BlobAlreadyExists', 'ConditionNotMet', 'InvalidBlockList']);

/** Source: `StorageErrorCode` of @azure/storage-blob, and Immutable storage for blobs, "Legal holds" (read 2026-11-22). */
const KEPT: ReadonlySet<string> = new Set(['BlobImmutableDueToPolicy', 'BlobImmutableDueToLegalHold']);

/** `random` names each `create`, so that its retry recognises it, and its blocks are nobody else's. */
export function createBlobReportFiles(
  container: ContainerClient,
  random: Random,
  operation: StorageOperation,
): ReportFiles {
  async function metadata(name: string) {
    try {
      const { metadata: stored = {} } = await container.getBlobClient(name).getProperties();
      const { [WRITER]: _writer, ...own } = lowerCase(stored);
      return { writer: _writer, own };
    } catch (error) {
      if (readFault(error).status === 404) return undefined;
      throw toStorageError(operation, error);
    }
  }

  /** Blocks are no blob: until they are committed, nobody sees them, and those that never are vanish within a week. */
  async function stage(blob: BlockBlobClient, writer: string, content: NewReport['content']): Promise<string[]> {
    const ids: string[] = [];
    for await (const block of inBlocks(content, BLOCK_BYTES)) {
      const id = Buffer.from(`${writer}-${String(ids.length).padStart(BLOCK_DIGITS, '0')}`).toString('base64');
      await guarded(operation, () => blob.stageBlock(id, block, block.byteLength));
      ids.push(id);
    }
    return ids;
  }

  return {
    async create(report) {
      const blob = container.getBlockBlobClient(report.name);
      if ((await metadata(report.name)) !== undefined) return false;
      const writer = random.guid();
      const blocks = await stage(blob, writer, report.content);
      try {
        await blob.commitBlockList(blocks, {
          conditions: { ifNoneMatch: '*' },
          metadata: { ...report.metadata(), [WRITER]: writer },
          blobHTTPHeaders: { blobContentType: report.contentType },
        });
        return true;
      } catch (error) {
        if (!TAKEN.has(readFault(error).code)) throw toStorageError(operation, error);
        const stored = await metadata(report.name);
        if (stored === undefined) throw toStorageError(operation, error);
        return stored.writer === writer;
      }
    },

    metadata: async (name) => (await metadata(name))?.own,

    async read(name) {
      try {
        const { readableStreamBody } = await container.getBlobClient(name).download();
        return guardedContent(readableStreamBody ?? []);
      } catch (error) {
        if (MISSING.has(readFault(error).code)) return undefined;
        throw toStorageError(operation, error);
      }
    },

    async list(prefix) {
      const names: string[] = [];
      await guarded(operation, async () => {
        for await (const blob of container.listBlobsFlat({ prefix })) names.push(blob.name);
      });
      return names.sort();
    },

    async delete(name) {
      try {
        await container.getBlobClient(name).deleteIfExists();
        return true;
      } catch (error) {
        if (KEPT.has(readFault(error).code)) return false;
        throw toStorageError(operation, error);
      }
    },
  };

  async function* guardedContent(
    stream: Iterable<Buffer | string> | AsyncIterable<Buffer | string>,
  ): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of stream) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
    } catch (error) {
      throw toStorageError(operation, error);
    }
  }
}

/** Names of metadata come back in the letter case of whoever answers. */
function lowerCase(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
}
