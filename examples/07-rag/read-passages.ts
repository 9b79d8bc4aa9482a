import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A piece of a page that is short enough to be embedded as a whole. */
export interface Passage {
  /** Name of the page's file. */
  readonly source: string;
  /** Title of the page and heading of the section, then the text. */
  readonly text: string;
}

/** In characters. MiniLM reads 256 tokens, which tables and code fill sooner than prose. */
const LIMIT = 600;

/**
 * Cuts the pages (Markdown) of a folder into passages, none of which spans two sections. Its README is left out: it lists
 * the pages, and answers nothing.
 */
export function readPassages(folder: string): readonly Passage[] {
  const pages = globSync(join(folder, '*.md')).filter((page) => basename(page) !== 'README.md');
  return pages.sort().flatMap((page) => {
    const [opening = '', ...sections] = readFileSync(page, 'utf8').split(/^## /m);
    const [title = '', ...introduction] = opening.replace(/^# /, '').split('\n');
    const texts = [
      ...pack(introduction.join('\n')).map((piece) => `${title}\n${piece}`),
      ...sections.flatMap((section) => {
        const [heading = '', ...lines] = section.split('\n');
        return pack(lines.join('\n')).map((piece) => `${title}: ${heading}\n${piece}`);
      }),
    ];
    return texts.map((text) => ({ source: basename(page), text }));
  });
}

/** Joins paragraphs up to the limit; one beyond it is cut at the ends of lines, list items apart. */
function pack(text: string): readonly string[] {
  const paragraphs = text.trim().split(/\n{2,}/);
  const pieces: string[] = [];
  for (const part of paragraphs.flatMap((one) => (one.length > LIMIT ? one.split(/\n(?! )/) : [one]))) {
    const last = pieces.at(-1);
    if (last === undefined || last.length + part.length >= LIMIT) pieces.push(part);
    else pieces[pieces.length - 1] = `${last}\n${part}`;
  }
  return pieces.filter((piece) => piece !== '');
}
