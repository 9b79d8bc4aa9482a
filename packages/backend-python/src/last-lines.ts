/** Lines that are kept, and characters of each. */
const LINES = 5;
const LINE_LENGTH = 300;
/** What Python writes when native code fails: the calls follow, the innermost first. */
const FATAL = /^Fatal Python error/;

/** Keeps the last lines of a text that comes in pieces; of Python's account of a fault, the first ones. */
export class LastLines {
  #lines: readonly string[] = [];
  #open = '';

  add(text: string): void {
    const parts = (this.#open + text).split(/\r?\n/);
    this.#open = (parts.pop() ?? '').slice(-LINE_LENGTH);
    this.#lines = keep([...this.#lines, ...parts.map((line) => line.slice(0, LINE_LENGTH))]);
  }

  /** The last lines that are not empty, the oldest first. */
  get lines(): readonly string[] {
    return keep([...this.#lines, this.#open]);
  }
}

function keep(lines: readonly string[]): readonly string[] {
  const full = lines.filter((line) => line.trim() !== '');
  const fault = full.findIndex((line) => FATAL.test(line));
  return fault < 0 ? full.slice(-LINES) : full.slice(fault, fault + LINES);
}
