/** How an engine's command line is written: each has a parser of its own. */
export interface ArgumentStyle {
  /** What stands between the words of a name. */
  readonly separator: '-' | '_';
  /** `--name=value` is one word, or the value is the next word. */
  readonly value: 'joined' | 'next';
  /** How it is told no: `--no-name`, or by leaving the name out. */
  readonly negative: 'no-name' | 'absent';
  /** A list: words behind one name, a text with commas, or the name again for each. */
  readonly list: 'words' | 'commas' | 'repeated';
}

/** vLLM: argparse, with both forms of each flag. */
export const VLLM_STYLE: ArgumentStyle = {
  separator: '-',
  value: 'joined',
  negative: 'no-name',
  list: 'words',
};

/** SGLang: argparse, whose flags are only set. */
export const SGLANG_STYLE: ArgumentStyle = { ...VLLM_STYLE, negative: 'absent' };

/** TensorRT-LLM: click, with the names of its Python arguments. */
export const TRTLLM_STYLE: ArgumentStyle = {
  separator: '_',
  value: 'joined',
  negative: 'absent',
  list: 'repeated',
};

/** llama.cpp: a name is a word of its own, and of a name that comes twice only the last counts. */
export const LLAMACPP_STYLE: ArgumentStyle = {
  separator: '-',
  value: 'next',
  negative: 'no-name',
  list: 'commas',
};

/** The words of one argument; of lists, those that other words may not follow: they would belong to it. */
export interface ArgumentWords {
  readonly words: readonly string[];
  readonly isOpen: boolean;
}

/** @param value - A text, a number, true, false, a list of those, or anything else that is passed as JSON. */
export function argumentWords(name: string, value: unknown, style: ArgumentStyle): ArgumentWords {
  const flag = `--${spell(name, style)}`;
  if (Array.isArray(value)) return listWords(flag, value.map(String), style);
  if (value === true) return { words: [flag], isOpen: false };
  if (value === false) {
    return { words: style.negative === 'absent' ? [] : [`--no-${spell(name, style)}`], isOpen: false };
  }
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
  return { words: valueWords(flag, text, style), isOpen: false };
}

function listWords(flag: string, items: readonly string[], style: ArgumentStyle): ArgumentWords {
  switch (style.list) {
    case 'words':
      return { words: [flag, ...items], isOpen: true };
    case 'commas':
      return { words: valueWords(flag, items.join(','), style), isOpen: false };
    case 'repeated':
      return { words: items.flatMap((item) => valueWords(flag, item, style)), isOpen: false };
  }
}

function valueWords(flag: string, text: string, { value }: ArgumentStyle): readonly string[] {
  return value === 'joined' ? [`${flag}=${text}`] : [flag, text];
}

function spell(name: string, { separator }: ArgumentStyle): string {
  return name.replaceAll('_', separator);
}
