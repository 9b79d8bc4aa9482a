import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addModel, IDENTITY, IDENTITY_CONFIG } from './model-repository.ts';

const CONFIG = IDENTITY_CONFIG.replace('backend: "identity"', 'backend: "python"');

/** Gives back its input, as models for Triton are written. */
const IDENTITY_CODE = `import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            tensor = pb_utils.get_input_tensor_by_name(request, "X")
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("Y", tensor.as_numpy())]))
        return responses
`;

/** Asks the in-process identity model, once a request. */
const CALLER_CODE = `import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse(self.call(request).output_tensors()) for request in requests]

    def call(self, request):
        return pb_utils.InferenceRequest(
            model_name="${IDENTITY}", requested_output_names=["Y"], inputs=request.inputs()
        ).exec()
`;

/** Answers as many times as its input says. */
const STREAM_CODE = `import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            count = int(pb_utils.get_input_tensor_by_name(request, "X").as_numpy()[0])
            sender = request.get_response_sender()
            for index in range(count):
                array = np.array([index], np.float32)
                sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", array)]))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;

/** The models in Python that are measured, by name. */
export const PYTHON_MODELS = {
  identity: 'python_identity',
  caller: 'python_caller',
  stream: 'python_stream',
} as const;

const SOURCES: Readonly<Record<keyof typeof PYTHON_MODELS, readonly [code: string, config: string]>> = {
  identity: [IDENTITY_CODE, CONFIG],
  caller: [CALLER_CODE, CONFIG],
  stream: [STREAM_CODE, `${CONFIG}model_transaction_policy { decoupled: true }\n`],
};

export function addPythonModel(repository: string, kind: keyof typeof PYTHON_MODELS): void {
  const [code, config] = SOURCES[kind];
  writeFileSync(join(addModel(repository, PYTHON_MODELS[kind], config), 'model.py'), code);
}

/** The Python that runs them: NEREID_PYTHON or `python3`; undefined when it has no numpy. */
export function findPython(): string | undefined {
  const interpreter = process.env['NEREID_PYTHON'] ?? 'python3';
  try {
    execFileSync(interpreter, ['-c', 'import numpy'], { stdio: 'ignore' });
    return interpreter;
  } catch {
    return undefined;
  }
}

/** The flag that chooses the Python of the models. */
export function interpreterFlag(interpreter: string): string {
  return `--backend-config=python,interpreter=${interpreter}`;
}
