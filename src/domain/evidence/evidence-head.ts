/** What an evidence file says of itself and its run, read with the distrust that a file from anywhere deserves. Pure. Layer: domain. */
import { parseRunId, parseTenantId, type RunId, type TenantId } from '../ids.ts';
import { isDigest } from './read-line.ts';
import { EVIDENCE_FORMAT } from './run-details.ts';

export interface EvidenceHead {
  readonly tenantId: TenantId;
  readonly runId: RunId;
  /** Which version of the run's evidence, from 1. */
  readonly evidence: number;
  /** Of the Keyturn that wrote it. */
  readonly version: string;
  readonly dryRun: boolean;
  readonly writtenAt: string;
  /** The digest of the version before, which every version but the first names. */
  readonly previousDigest?: string;
  /** Numbers in between whose names were taken by blobs that are no evidence of the run. */
  readonly leftOut: readonly number[];
}

/** `details`: of the line `run`. `undefined` when it does not say which evidence of which run it is, in a format that we know. */
export function readEvidenceHead(details: string): EvidenceHead | undefined {
  try {
    const value = JSON.parse(details) as Readonly<Record<string, unknown>> | null;
    if (typeof value !== 'object' || value === null) return undefined;
    const { format, evidence, version, dryRun, writtenAt, previousDigest, leftOut } = value;
    if (format !== EVIDENCE_FORMAT) return undefined;
    if (typeof evidence !== 'number' || !Number.isSafeInteger(evidence) || evidence < 1) return undefined;
    if (typeof version !== 'string' || typeof dryRun !== 'boolean' || typeof writtenAt !== 'string') return undefined;
    return {
      tenantId: parseTenantId(value.tenantId),
      runId: parseRunId(value.runId),
      evidence,
      version,
      dryRun,
      writtenAt,
      ...(isDigest(previousDigest) ? { previousDigest } : {}),
      leftOut: Array.isArray(leftOut) ? leftOut.filter((number) => Number.isSafeInteger(number)) : [],
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
