import { describe, expect, it } from 'vitest';
import { attentionSection } from '../../../../src/app/report/html/attention-section.ts';
import { sampleRotation } from '../../../contracts/samples.ts';
import { reportModel } from '../../../support/report-models.ts';

describe('the devices that need attention', () => {
  it.each([
    [-2_016_281_112, '-2016281112 (0x87D1FDE8)'],
    [-2_147_024_891, '-2147024891 (0x80070005)'],
  ])('have error code %d in both forms, the hexadecimal one as `status` has it', (errorCode, words) => {
    const failed = sampleRotation(0, { state: 'failed', failure: 'action', actionState: 'failed', errorCode });
    expect(attentionSection(reportModel([failed])).markup).toContain(words);
  });
});
