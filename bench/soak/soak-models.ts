import type { TemporaryRepository } from '../../tests/server/make-repository.ts';
import { addStressModels } from '../../tests/stress/stress.ts';
import { addLanguageModel } from '../models/language-model.ts';
import { addAffine, addIdentity } from '../models/model-repository.ts';
import { addPythonModel } from '../models/python-models.ts';

/** Names of the models that only the soak asks. */
export const TINY_ONNX = 'affine';

/** More than the mix ever has under way: what is measured is not a full queue. */
const MAX_STREAMS = 64;

/** One model of each kind: those of the random clients, a tiny ONNX model, two in Python, a language model. */
export function addSoakModels(repository: TemporaryRepository, engineUrl: string): void {
  addStressModels(repository);
  addIdentity(repository.path);
  addAffine(repository.path, TINY_ONNX);
  addPythonModels(repository.path);
  addLanguageModel(repository.path, engineUrl, MAX_STREAMS);
}

/** Those that a Triton without further backends serves, too. */
export function addPythonModels(path: string): void {
  addPythonModel(path, 'identity');
  addPythonModel(path, 'stream');
}
