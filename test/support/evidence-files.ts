/** Evidence files made of plain rotations, as text and as single lines, to be tampered with. */

import { createEvidenceFile } from '../../src/app/evidence/evidence-lines.ts';
import { sha256 } from '../../src/app/evidence/sha256.ts';
import { type Verification, verifyEvidence } from '../../src/app/evidence/verify-evidence.ts';
import { parseSettings } from '../../src/config.ts';
import { createEvidenceChain } from '../../src/domain/evidence/evidence-chain.ts';
import type { RunId, TenantId } from '../../src/domain/ids.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { Run } from '../../src/domain/run.ts';
import type { ReportFiles, ReportMetadata } from '../../src/domain/stored-files.ts';
import { sampleRun } from '../contracts/samples.ts';

export const TENANT = '7e570000-0000-4000-8000-000000000001' as TenantId;
export const RUN = 'evidence-run' as RunId;
const SETTINGS = parseSettings({ TENANT_ID: TENANT, ROTATION_MODE: 'live' });
const NOW_MS = Date.UTC(2026, 10, 22, 12);

/** A ledger that holds nothing but these rotations, a few to a page. */
export function pagesOf(rotations: readonly Rotation[], perPage = 3): Pick<Ledger, 'rotationPages'> {
  return {
    async *rotationPages() {
      for (let at = 0; at < rotations.length; at += perPage) yield rotations.slice(at, at + perPage);
    },
  };
}

/** The evidence of a run with these rotations; `evidence`: its number, when it is not the next one. */
export async function evidenceOf(
  rotations: readonly Rotation[],
  changes: Partial<Run> = {},
  evidence?: number,
): Promise<Buffer> {
  const run = sampleRun({ tenantId: TENANT, runId: RUN, state: 'settling', devices: rotations.length, ...changes });
  const facts = { run, settings: SETTINGS, version: '1.2.3', nowMs: NOW_MS };
  const file = createEvidenceFile(pagesOf(rotations), evidence === undefined ? facts : { ...facts, evidence });
  return joined(file.content);
}

export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** Puts a blob there that is none of ours, unless its metadata say so. */
export async function putForeign(files: ReportFiles, name: string, metadata: ReportMetadata = {}): Promise<void> {
  const content = (async function* () {
    yield Buffer.from('not ours');
  })();
  await files.create({ name, contentType: 'text/plain', content, metadata: () => metadata });
}

/** A report's content. @throws {Error} when there is none. */
export async function reportOf(files: ReportFiles, name: string): Promise<Buffer> {
  const content = await files.read(name);
  if (content === undefined) throw new Error(`there is no report ${name}`);
  return joined(content);
}

/** Lines with their ends. */
export function linesOf(file: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < file.length; ) {
    const end = file.indexOf('\n', from);
    lines.push(file.subarray(from, end < 0 ? file.length : end + 1));
    from = end < 0 ? file.length : end + 1;
  }
  return lines;
}

/** What verifying says of the bytes, or lines; given in pieces that cut lines anywhere. */
export function verified(file: Buffer | readonly Buffer[]): Promise<Verification> {
  const bytes = Buffer.isBuffer(file) ? file : Buffer.concat([...file]);
  return verifyEvidence(async function* () {
    for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
  });
}

/** The line with another content, and a hash that fits: what someone does who knows how it works. */
export function rehashed(line: Buffer, from: string, to: string): Buffer {
  const text = line.toString().trimEnd();
  const body = text.slice(0, text.lastIndexOf(',')).replace(from, to);
  return Buffer.from(`${body},${sha256(body)}\r\n`);
}

/** The lines from `at` (counted from 1) on, all hashed anew: everything agrees with everything. */
export function rehashedFrom(lines: readonly Buffer[], at: number, from: string, to: string): readonly Buffer[] {
  const changed: Buffer[] = [...lines.slice(0, at - 1)];
  let digest = hashOf(changed.at(-1)) ?? createEvidenceChain(sha256).digest();
  for (const [i, line] of lines.slice(at - 1).entries()) {
    const cells = line.toString().trimEnd().split(',');
    const body = [...cells.slice(0, -2), digest].join(',');
    const text = i === 0 ? body.replace(from, to) : body;
    digest = sha256(text);
    changed.push(Buffer.from(`${text},${digest}\r\n`));
  }
  return changed;
}

function hashOf(line: Buffer | undefined): string | undefined {
  const hash = line?.toString().trimEnd().split(',').at(-1) ?? '';
  return /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
}
