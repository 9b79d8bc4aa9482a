/** Reporter of the test runner: shows what failed and what tests print, and closes with `N passed, N failed, N skipped`. */
import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';

type Failure = Extract<TestEvent, { type: 'test:fail' }>['data'];
type Counts = Extract<TestEvent, { type: 'test:summary' }>['data']['counts'];

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let total: Counts | undefined;
  for await (const event of events) {
    if (event.type === 'test:fail' && !event.data.todo) yield failureText(event.data);
    else if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message;
    // There is a summary for each file, too.
    else if (event.type === 'test:summary' && event.data.file === undefined) total = event.data.counts;
  }
  yield countsText(total);
}

function failureText({ name, file, line, details }: Failure): string {
  const { error } = details;
  // A suite fails when one of its tests does, which has been shown.
  if ('failureType' in error && error.failureType === 'subtestsFailed') return '';
  return `✖ ${name} (${file ?? 'unknown file'}:${line ?? 1})\n${inspect(error.cause ?? error)}\n\n`;
}

function countsText(counts: Counts | undefined): string {
  if (counts === undefined) return '0 passed, 1 failed\n';
  // `tests` leaves suites out, and the types leave `failed` out.
  const { tests, passed, cancelled, skipped, todo } = counts;
  const failed = tests - passed - cancelled - skipped - todo;
  return `${passed} passed, ${failed + cancelled} failed, ${skipped + todo} skipped\n`;
}
