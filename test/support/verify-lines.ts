import type { VerifyResult } from '../../src/cli/commands/verify.ts';
import type { Style } from '../../src/cli/render/style.ts';
import { comparisonLines, fileLines } from '../../src/cli/render/verify-lines.ts';

/** All that `keyturn verify` prints, which it does in two parts. */
export function verifyLines(result: VerifyResult, style: Style): readonly string[] {
  return [...fileLines(result.file, result.verification, style), ...comparisonLines(result, style)];
}
