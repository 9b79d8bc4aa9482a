/** The member `model` of a JSON body, changed without reading the rest: numbers keep their digits, and images are not copied twice. */

import { textEnd } from '@nereid/backend-sdk';
import { tryParseJson } from './json.ts';

const QUOTE = 0x22;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const COLON = 0x3a;
const NAME = Buffer.from('"model"');
/** With each letter as an escape of six. */
const LONGEST_NAME = '"model"'.length * 6;

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The body with another value of its outermost `model`; without such a member, one is added in front. If there are several,
 * each is changed: parsers differ in which one counts, and none may reach another model of the engine.
 *
 * @param body - A JSON object: whoever received it has parsed it.
 * @returns The new body in pieces, most of them views of the old one.
 */
export function renameModel(body: Buffer, model: string): readonly Buffer[] {
  const name = JSON.stringify(model);
  const spans = findModels(body);
  if (spans.length > 0) return replaceAll(body, spans, Buffer.from(name));
  const start = body.indexOf('{') + 1;
  const isEmpty = /^\s*\}/.test(body.toString('latin1', start, start + 100));
  return [body.subarray(0, start), Buffer.from(`"model":${name}${isEmpty ? '' : ','}`), body.subarray(start)];
}

function replaceAll(body: Buffer, spans: readonly Span[], value: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { start, end } of spans) {
    pieces.push(body.subarray(from, start), value);
    from = end;
  }
  return [...pieces, body.subarray(from)];
}

/** Where the values of the outermost members `model` are, quotes included, as far as they are texts. */
function findModels(body: Buffer): readonly Span[] {
  const found: Span[] = [];
  let depth = 0;
  let position = 0;
  while (position < body.length) {
    const byte = body[position] ?? 0;
    if (byte !== QUOTE) {
      if (OPENING.has(byte)) depth += 1;
      else if (CLOSING.has(byte)) depth -= 1;
      position += 1;
      continue;
    }
    const end = textEnd(body, position);
    const value = depth === 1 && isModelName(body, position, end) ? valueAfter(body, end) : undefined;
    if (value !== undefined) found.push(value);
    position = value?.end ?? end;
  }
  return found;
}

function isModelName(body: Buffer, start: number, end: number): boolean {
  if (end - start === NAME.length) return body.compare(NAME, 0, NAME.length, start, end) === 0;
  if (end - start < NAME.length || end - start > LONGEST_NAME) return false;
  const name = body.toString('latin1', start, end);
  return name.includes('\\') && tryParseJson(name) === 'model';
}

/** The text behind a member's name; undefined when what is at `position` was a value, or another kind of value follows. */
function valueAfter(body: Buffer, position: number): Span | undefined {
  const colon = skipSpace(body, position);
  if (body[colon] !== COLON) return undefined;
  const start = skipSpace(body, colon + 1);
  return body[start] === QUOTE ? { start, end: textEnd(body, start) } : undefined;
}

function skipSpace(body: Buffer, position: number): number {
  let at = position;
  while (at < body.length && (body[at] ?? 0) <= 0x20) at += 1;
  return at;
}
