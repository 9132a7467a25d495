/** A run's evidence as it comes from the ledger: device by device, a page at a time. Layer: app. */
import { deviceCells } from '../../domain/evidence/device-cells.ts';
import { createEvidenceChain } from '../../domain/evidence/evidence-chain.ts';
import type { EvidenceCells } from '../../domain/evidence/evidence-columns.ts';
import { countFigures, type EvidenceFigures } from '../../domain/evidence/evidence-figures.ts';
import { type EndDetails, type EvidenceFacts, runDetails } from '../../domain/evidence/run-details.ts';
import type { Ledger } from '../../domain/ledger.ts';
import type { Run } from '../../domain/run.ts';
import { sha256 } from './sha256.ts';

/**
 * Chosen: pages of a thousand live long enough to be taken for long-lived, and memory peaks 80 MiB higher; smaller ones cost more requests.
 */
const ROWS_PER_PAGE = 200;

/** The cells of every device of the run in its order, a few hundred at a time, in constant memory. @throws {StorageError} */
export async function* deviceLines(
  ledger: Pick<Ledger, 'rotationPages'>,
  run: Run,
): AsyncGenerator<readonly EvidenceCells[]> {
  for await (const page of ledger.rotationPages(run.runId, ROWS_PER_PAGE))
    yield page.map((rotation) => deviceCells(run, rotation));
}

/** Chosen: short-lived, and few enough. */
const PIECE_LENGTH = 32 * 1024;

/** What a file turned out to be, once all of it has been taken. */
export interface EvidenceEnd {
  readonly lines: number;
  readonly digest: string;
  readonly figures: EvidenceFigures;
}

export interface EvidenceFile {
  /** The file, piece by piece; to be taken once. */
  readonly content: AsyncIterable<Uint8Array>;
  /** @throws {TypeError} before the content has come to its end. */
  end(): EvidenceEnd;
}

/** A file of the run's rotations as the ledger has them. Nothing is read before its content is taken. */
export function createEvidenceFile(ledger: Pick<Ledger, 'rotationPages'>, facts: EvidenceFacts): EvidenceFile {
  let end: EvidenceEnd | undefined;

  async function* content(): AsyncGenerator<Uint8Array> {
    const chain = createEvidenceChain(sha256);
    const count = countFigures();
    const { mode } = facts.run;
    yield Buffer.from(chain.heading + chain.add('run', { mode, details: JSON.stringify(runDetails(facts)) }));
    for await (const page of ledger.rotationPages(facts.run.runId, ROWS_PER_PAGE)) {
      let text = '';
      for (const rotation of page) {
        const cells = deviceCells(facts.run, rotation);
        count.add(cells);
        text += chain.add('device', cells);
        if (text.length < PIECE_LENGTH) continue;
        yield Buffer.from(text);
        text = '';
      }
      yield Buffer.from(text);
    }
    const figures = count.figures();
    const details: EndDetails = { lines: chain.lines() + 1, figures };
    const last = chain.add('end', { mode, details: JSON.stringify(details) });
    end = { lines: chain.lines(), digest: chain.digest(), figures };
    yield Buffer.from(last);
  }

  return {
    content: content(),
    end() {
      if (end === undefined) throw new TypeError('an evidence file has no end before it has been written');
      return end;
    },
  };
}
