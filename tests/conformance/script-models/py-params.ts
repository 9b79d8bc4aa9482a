/** What a request says beside its tensors. */
import { defineModel } from '@nereid/backend-script';
import { pythonJson } from './python-json.ts';

export default defineModel({
  execute(request) {
    const about = {
      parameters: request.parameters,
      request_id: request.id,
      requested: [...request.requestedOutputs].sort(),
    };
    return { outputs: { OUT: pythonJson(about) } };
  },
});
