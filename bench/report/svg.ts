/** Markup of one element. Attribute values and text are escaped. */
export type Svg = string;

type Attributes = Readonly<Record<string, string | number>>;

/** An element with children (markup). */
export function element(name: string, attributes: Attributes, children: readonly Svg[] = []): Svg {
  const text = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeText(format(value))}"`);
  const open = `<${name}${text.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

/** A line of text. */
export function label(text: string, attributes: Attributes): Svg {
  return element('text', attributes, [escapeText(text)]);
}

/** A part of a line of text. */
export function tspan(style: string, text: string): Svg {
  return element('tspan', { class: style }, [escapeText(text)]);
}

/** Two decimals are a hundredth of a pixel. */
function format(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : value;
}

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
