/** A voice out of nothing: vowels, as a larynx and a mouth make them, between two stretches of faint noise. */

/** Samples in a second. */
export const SAMPLE_RATE = 16_000;

/** Resonances of the mouth for a, i, u, e and o, in hertz. */
const VOWELS = [
  [730, 1090, 2440],
  [270, 2290, 3010],
  [300, 870, 2240],
  [530, 1840, 2480],
  [570, 840, 2410],
] as const;
/** How broad and how loud the three resonances are. */
const RESONANCES = [
  { bandwidth: 80, gain: 1 },
  { bandwidth: 100, gain: 0.6 },
  { bandwidth: 140, gain: 0.3 },
] as const;
const SYLLABLES_A_SECOND = 4.2;

/** What to make. Times in seconds. */
export interface VoiceOptions {
  readonly seconds: number;
  readonly from: number;
  readonly until: number;
  /** Of the voice, in hertz: 115 is a man's, 210 a woman's. */
  readonly pitch: number;
}

/** Somebody who speaks for a while: samples from -1 to 1, the same at every call. */
export function createVoice({ seconds, from, until, pitch }: VoiceOptions): Float32Array {
  const random = createRandom();
  const mouth = RESONANCES.map(({ bandwidth, gain }) => new Resonator(bandwidth, gain));
  let phase = 0;
  return Float32Array.from({ length: seconds * SAMPLE_RATE }, (_, at) => {
    const time = at / SAMPLE_RATE;
    const noise = 0.001 * random();
    if (time < from || time >= until) return noise;
    phase += (pitch * (1 + 0.2 * Math.sin(4.4 * time)) + 3 * random()) / SAMPLE_RATE;
    const pulse = phase >= 1 ? 8 : 0;
    phase %= 1;
    return noise + speak(mouth, time, pulse + 0.05 * random());
  });
}

/** A sample of the syllable at that time: one vowel gliding into the next, louder in the middle. */
function speak(mouth: readonly Resonator[], time: number, source: number): number {
  const syllable = Math.floor(time * SYLLABLES_A_SECOND);
  const glide = time * SYLLABLES_A_SECOND - syllable;
  const vowel = VOWELS[syllable % VOWELS.length] ?? VOWELS[0];
  const next = VOWELS[(syllable + 1) % VOWELS.length] ?? VOWELS[0];
  let sample = 0;
  mouth.forEach((resonator, at) => {
    const frequency = (vowel[at] ?? 0) * (1 - glide) + (next[at] ?? 0) * glide;
    sample += resonator.filter(source, frequency);
  });
  return 0.5 * sample * Math.max(0, Math.sin(Math.PI * Math.min(1, glide * 1.15)));
}

/** A filter with two poles, whose frequency may change with every sample. */
class Resonator {
  readonly #radius: number;
  readonly #gain: number;
  #last = 0;
  #beforeLast = 0;

  constructor(bandwidth: number, gain: number) {
    this.#radius = Math.exp((-Math.PI * bandwidth) / SAMPLE_RATE);
    this.#gain = gain;
  }

  filter(source: number, frequency: number): number {
    const radius = this.#radius;
    const turn = 2 * radius * Math.cos((2 * Math.PI * frequency) / SAMPLE_RATE);
    const value = source * (1 - radius) + turn * this.#last - radius * radius * this.#beforeLast;
    this.#beforeLast = this.#last;
    this.#last = value;
    return value * this.#gain;
  }
}

/** Numbers from -1 to 1 that look random, and are the same at every run. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state / 0x7fffffff) * 2 - 1;
  };
}
