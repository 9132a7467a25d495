/** Makes `docs/images/report.png`, the picture in the README, from a run of the demo: `npm run picture`. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBrowser } from './support/browser.ts';
import { demoReport } from './support/pages.ts';

const PICTURE = path.join(import.meta.dirname, '..', '..', 'docs', 'images', 'report.png');
/** Chosen: the first screen and a half, which says most; sharp on a dense display. */
const [WIDTH, HEIGHT, SCALE] = [1_240, 1_500, 1.5];

const folder = await mkdtemp(path.join(tmpdir(), 'keyturn-picture-'));
const browser = await startBrowser();
try {
  const file = path.join(folder, 'report.html');
  await demoReport(file, 2_000);
  const page = await browser.newPage({
    viewport: { width: WIDTH, height: HEIGHT },
    deviceScaleFactor: SCALE,
    colorScheme: 'light',
  });
  await page.goto(`file://${file}`);
  await mkdir(path.dirname(PICTURE), { recursive: true });
  await page.screenshot({ path: PICTURE });
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
