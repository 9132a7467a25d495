/** Makes the pictures in the README, `docs/images/report*.png`, from a run of the demo: `npm run picture`. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBrowser } from './support/browser.ts';
import { demoReport } from './support/pages.ts';

const IMAGES = path.join(import.meta.dirname, '..', '..', 'docs', 'images');
/** Chosen: text stays readable when GitHub shows it 830 pixels wide. */
const WIDTH = 1_240;
/** Where each picture begins and ends in the page. */
const PICTURES = [
  { name: 'report.png', colorScheme: 'light', from: 'body', height: 1_330 },
  { name: 'report-charts.png', colorScheme: 'dark', from: 'section[aria-labelledby="quota"]', height: 1_330 },
] as const;
/** Of the page's ground, above the section that a picture begins with. */
const MARGIN = 20;

const folder = await mkdtemp(path.join(tmpdir(), 'keyturn-picture-'));
const browser = await startBrowser();
try {
  const file = path.join(folder, 'report.html');
  await demoReport(file, 2_000);
  await mkdir(IMAGES, { recursive: true });
  for (const { name, colorScheme, from, height } of PICTURES) {
    const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 }, colorScheme });
    await page.goto(`file://${file}`);
    const top = Math.max(0, ((await page.locator(from).boundingBox())?.y ?? 0) - MARGIN);
    await page.screenshot({
      path: path.join(IMAGES, name),
      fullPage: true,
      clip: { x: 0, y: top, width: WIDTH, height },
    });
    await page.close();
  }
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
