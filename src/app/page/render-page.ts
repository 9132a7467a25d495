/** One self-contained page: it asks nobody for anything, and nothing in it can make it. Layer: app. */
import { hash } from 'node:crypto';
import { type Html, html, verbatim } from './html.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { STYLE_SHEET } from './style-sheet.ts';

export interface Page {
  readonly title: string;
  /** Section by section. */
  readonly main: Iterable<Html>;
  readonly footer: Html;
}

/**
 * The page, piece by piece. Its policy allows the one style sheet and the one script, by their hashes, and nothing else from anywhere.
 * Source: Content Security Policy Level 3, sections 2.3.1 "hash-source" and 3.3 "The <meta> element" (read 2026-11-22).
 */
export function* renderPage({ title, main, footer }: Page): Generator<string> {
  const policy = [
    "default-src 'none'",
    `style-src '${hashSource(STYLE_SHEET)}'`,
    `script-src '${hashSource(PAGE_SCRIPT)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${verbatim(STYLE_SHEET)}</style>
</head>
<body>
<main>
`.markup;
  for (const part of main) yield part.markup;
  yield html`
</main>
<footer>${footer}</footer>
<script>${verbatim(PAGE_SCRIPT)}</script>
</body>
</html>
`.markup;
}

function hashSource(text: string): string {
  return `sha256-${hash('sha256', text, 'base64')}`;
}
