/** The answer of the model that its input names. */
import { defineModel, InferenceServerError } from '@nereid/backend-script';

export default defineModel({
  async execute(request, { infer }) {
    const [model = ''] = request.input('MODEL').toStrings();
    try {
      const response = await infer({ model, inputs: { X: request.input('X') }, outputs: ['Y'] });
      return { outputs: { Y: response.output('Y') } };
    } catch (error) {
      return new InferenceServerError(
        'INTERNAL',
        `inner call failed: ${InferenceServerError.from(error).message}`,
      );
    }
  },
});
