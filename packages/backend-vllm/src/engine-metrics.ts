import type { ForeignFamily, MetricLabels } from '@nereid/backend-sdk';

/** A family while its lines are read. */
interface Family {
  help: string;
  type: ForeignFamily['type'];
  readonly samples: string[];
}

const TYPES: readonly string[] = [
  'counter',
  'gauge',
  'histogram',
  'summary',
  'untyped',
] satisfies ForeignFamily['type'][];
const COMMENT = /^# (HELP|TYPE) (\S+) ?(.*)$/;
const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
/** What a histogram's, summary's or counter's samples have behind the name of the family. */
const SUFFIX = /_(bucket|sum|count|total|created)$/;
/** What every program of Python tells of itself: of no use under the name of a model. */
const OF_THE_PROCESS = /^(python|process)_/;
/** Engines that say how many requests wait in them: vLLM, SGLang, TensorRT-LLM, llama.cpp. */
const WAITING = /(num_requests_waiting|num_queue_reqs|num_requests_queued|requests_deferred)$/;

/** Metrics as Prometheus' text format has them, with labels of the model put in front of their own. */
export function parseMetrics(page: string, labels: MetricLabels): readonly ForeignFamily[] {
  const families = new Map<string, Family>();
  const front = Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
  for (const line of page.split('\n')) {
    const comment = COMMENT.exec(line);
    if (comment !== null) describeFamily(families, comment);
    else addSample(families, line, front);
  }
  return [...families]
    .filter(([name, { samples }]) => samples.length > 0 && !OF_THE_PROCESS.test(name))
    .map(([name, family]) => ({ name, ...family }));
}

/** Requests that wait in the engine's own queue; undefined: its page does not say. */
export function waitingRequests(families: readonly ForeignFamily[]): number | undefined {
  const family = families.find(({ name, type }) => type === 'gauge' && WAITING.test(name));
  if (family === undefined) return undefined;
  const values = family.samples.map((sample) => Number(sample.slice(sample.lastIndexOf(' ') + 1)));
  return values.reduce((sum, value) => sum + value, 0);
}

function describeFamily(
  families: Map<string, Family>,
  [, what, name = '', text = '']: RegExpExecArray,
): void {
  const family = familyOf(families, name);
  if (what === 'HELP') family.help = text;
  else family.type = TYPES.includes(text) ? (text as ForeignFamily['type']) : 'untyped';
}

function addSample(families: Map<string, Family>, line: string, front: string): void {
  const match = SAMPLE.exec(line);
  if (match === null) return;
  const [, name = '', own = '', value = ''] = match;
  const labels = own === '' ? front : `${front},${own}`;
  const base = families.has(name) ? name : name.replace(SUFFIX, '');
  familyOf(families, families.has(base) ? base : name).samples.push(`${name}{${labels}} ${value}`);
}

function familyOf(families: Map<string, Family>, name: string): Family {
  const known = families.get(name);
  if (known !== undefined) return known;
  const family: Family = { help: '', type: 'untyped', samples: [] };
  families.set(name, family);
  return family;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
