/** Models that are asked through OpenAI's API: whole bodies to an engine, mapped ones in Python, and ensembles of both. */
import type { TemporaryRepository } from '../server/make-repository.ts';
import { llmModel } from './llm-models.ts';

/** Adds all of them. */
export function addOpenAiModels(repository: TemporaryRepository, engineUrl: string): void {
  repository.write('llama', llmModel({ engine_url: engineUrl }));
  repository.write('briefing', { 'config.pbtxt': BRIEFING_CONFIG, '1/model.py': BRIEFING });
  repository.write('briefed_llama', { 'config.pbtxt': BRIEFED_LLAMA, '1/.keep': '' });
  repository.write('parrot', { 'config.pbtxt': PARROT_CONFIG, '1/model.py': PARROT });
  repository.write('caged_parrot', { 'config.pbtxt': CAGED_PARROT, '1/.keep': '' });
  repository.write('letters', { 'config.pbtxt': LETTERS_CONFIG, '1/model.py': LETTERS });
  repository.addOnnx('letters_copy', 'identity_fp32', { 'config.pbtxt': LETTERS_COPY });
  repository.write('letters_pipeline', { 'config.pbtxt': LETTERS_PIPELINE, '1/.keep': '' });
}

const WHOLE = `
  input { name: "openai_request" data_type: TYPE_STRING dims: [1] optional: true }
  output { name: "openai_response" data_type: TYPE_STRING dims: [1] }
`;

/** Puts a system message before those of the client; bodies without messages stay as they are. */
const BRIEFING_CONFIG = `
  backend: "python"
  input { name: "BODY" data_type: TYPE_STRING dims: [1] }
  output { name: "BRIEFED" data_type: TYPE_STRING dims: [1] }
`;

const BRIEFING = `import json
import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        return [self.brief(request.inputs()[0].as_numpy()[0]) for request in requests]

    def brief(self, text):
        body = json.loads(text)
        if "messages" in body:
            body["messages"].insert(0, {"role": "system", "content": "be brief"})
        out = np.array([json.dumps(body)], np.object_)
        return pb_utils.InferenceResponse([pb_utils.Tensor("BRIEFED", out)])
`;

const BRIEFED_LLAMA = `
  platform: "ensemble"
  ${WHOLE}
  ensemble_scheduling {
    step [
      {
        model_name: "briefing"
        model_version: -1
        input_map { key: "BODY" value: "openai_request" }
        output_map { key: "BRIEFED" value: "briefed" }
      },
      {
        model_name: "llama"
        model_version: -1
        input_map { key: "openai_request" value: "briefed" }
        output_map { key: "openai_response" value: "openai_response" }
      }
    ]
  }
`;

const PARROT_TENSORS = `
  input { name: "text" data_type: TYPE_STRING dims: [1] }
  output [
    { name: "said" data_type: TYPE_STRING dims: [1] },
    { name: "finish_reason" data_type: TYPE_STRING dims: [1] },
    { name: "num_input_tokens" data_type: TYPE_UINT32 dims: [1] },
    { name: "num_output_tokens" data_type: TYPE_UINT32 dims: [1] }
  ]
  parameters { key: "openai_api" value { string_value: "chat,completions" } }
  parameters { key: "openai_input" value { string_value: "text" } }
  parameters { key: "openai_output" value { string_value: "said" } }
`;

/** Says each word of its text in a response of its own, at most `max_tokens` of them. */
const PARROT_CONFIG = `
  backend: "python"
  model_transaction_policy { decoupled: true }
  ${PARROT_TENSORS}
`;

const PARROT = `import json
import numpy as np
import triton_python_backend_utils as pb_utils

def tensor(name, value, datatype):
    return pb_utils.Tensor(name, np.array([value], datatype))

class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            words = request.inputs()[0].as_numpy()[0].decode().split()
            limit = json.loads(request.parameters()).get("max_tokens", len(words))
            for at, word in enumerate(words[:limit]):
                is_last = at + 1 == min(limit, len(words))
                reason = ("length" if limit < len(words) else "stop") if is_last else "None"
                sender.send(pb_utils.InferenceResponse([
                    tensor("said", word if at == 0 else " " + word, np.object_),
                    tensor("finish_reason", reason, np.object_),
                    tensor("num_input_tokens", len(words), np.uint32),
                    tensor("num_output_tokens", 1, np.uint32),
                ]))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;

const CAGED_PARROT = `
  platform: "ensemble"
  ${PARROT_TENSORS}
  ensemble_scheduling {
    step {
      model_name: "parrot"
      model_version: -1
      input_map { key: "text" value: "text" }
      output_map [
        { key: "said" value: "said" },
        { key: "finish_reason" value: "finish_reason" },
        { key: "num_input_tokens" value: "num_input_tokens" },
        { key: "num_output_tokens" value: "num_output_tokens" }
      ]
    }
  }
`;

const EMBEDDING = `
  parameters { key: "openai_api" value { string_value: "embeddings" } }
  parameters { key: "openai_input" value { string_value: "TEXT" } }
  parameters { key: "openai_output" value { string_value: "VECTOR" } }
`;

/** The vector of a text: how many letters, spaces and other characters it has. */
const LETTERS_CONFIG = `
  backend: "python"
  max_batch_size: 4
  input { name: "TEXT" data_type: TYPE_STRING dims: [1] }
  output { name: "VECTOR" data_type: TYPE_FP32 dims: [3] }
  dynamic_batching { }
  ${EMBEDDING}
`;

const LETTERS = `import numpy as np
import triton_python_backend_utils as pb_utils

def vector(text):
    letters, spaces = sum(c.isalpha() for c in text), text.count(" ")
    return [letters, spaces, len(text) - letters - spaces]

class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request.inputs()[0].as_numpy()) for request in requests]

    def answer(self, texts):
        vectors = np.array([vector(text.decode()) for text in texts[:, 0]], np.float32)
        return pb_utils.InferenceResponse([pb_utils.Tensor("VECTOR", vectors)])
`;

const LETTERS_COPY = `
  backend: "onnxruntime"
  max_batch_size: 4
  input { name: "X" data_type: TYPE_FP32 dims: [-1] }
  output { name: "Y" data_type: TYPE_FP32 dims: [-1] }
`;

/** The same vectors, through an ONNX model. */
const LETTERS_PIPELINE = `
  platform: "ensemble"
  max_batch_size: 4
  input { name: "TEXT" data_type: TYPE_STRING dims: [1] }
  output { name: "VECTOR" data_type: TYPE_FP32 dims: [-1] }
  ${EMBEDDING}
  ensemble_scheduling {
    step [
      {
        model_name: "letters"
        model_version: -1
        input_map { key: "TEXT" value: "TEXT" }
        output_map { key: "VECTOR" value: "counts" }
      },
      {
        model_name: "letters_copy"
        model_version: -1
        input_map { key: "X" value: "counts" }
        output_map { key: "Y" value: "VECTOR" }
      }
    ]
  }
`;
