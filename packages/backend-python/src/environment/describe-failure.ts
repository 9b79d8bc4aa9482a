/** Lines that say why: uv begins with `error:` or a cross, pip with `ERROR:`. */
const UV_REASON = /^\s*(?:×|error:)/;
const PIP_REASON = /^\s*ERROR: /;
/** What pip adds to failures; versions that it passed over may be more than fits. */
const NOISE =
  /^\s*(?:note:|hint:|\[notice\]|ERROR: (?:Failed to build installable wheels|Ignored the following))/;
const LAST_LINES = 5;
const LONGEST = 1000;

/** The reason of a failed installation out of what the installer printed, in one line that names the requirement. */
export function describeFailure(lines: readonly string[]): string {
  const said = lines.filter((line) => line.trim() !== '' && !NOISE.test(line));
  const begin = said.findIndex((line) => UV_REASON.test(line));
  const errors = said.filter((line, at) => PIP_REASON.test(line) || isDetail(said, at));
  const reason = begin >= 0 ? said.slice(begin) : errors.length > 0 ? errors : said.slice(-LAST_LINES);
  const text = reason.map(plain).filter(Boolean).join(' ') || 'the installer printed nothing';
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)} …`;
}

/** pip's list of what an error is about: lines that are indented below it. */
function isDetail(lines: readonly string[], at: number): boolean {
  if (!lines[at]?.startsWith('    ')) return false;
  const above = lines.slice(0, at).findLast((line) => !line.startsWith('    '));
  return above !== undefined && PIP_REASON.test(above);
}

/** A line without what is drawn around it. */
function plain(line: string): string {
  return line
    .replace(/^[\s×│╰├─▶]+/u, '')
    .replace(/^(?:ERROR|error): /, '')
    .trim();
}
