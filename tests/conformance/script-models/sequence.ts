/** Sums up the inputs of each sequence, and says which controls it saw. */
import { defineModel, type InferRequest } from '@nereid/backend-script';

export default defineModel({
  load() {
    const sums = new Map<string, number>();
    return {
      execute(request) {
        const id = correlationId(request);
        const [start, end, ready] = ['START', 'END', 'READY'].map(
          (name) => request.input(name).toNumbers()[0],
        );
        const [input = 0] = request.input('INPUT').values('INT32');
        const before = start === 1 ? 0 : (sums.get(id) ?? 0);
        const sum = ready === 1 ? before + input : (sums.get(id) ?? 0);
        if (ready === 1 && end === 1) sums.delete(id);
        else if (ready === 1) sums.set(id, sum);
        return {
          outputs: { OUTPUT: sum, SEEN: `start=${start} end=${end} ready=${ready} corrid=${id}` },
        };
      },
    };
  },
});

function correlationId(request: InferRequest): string {
  const tensor = request.input('CORRID');
  return String(tensor.datatype === 'BYTES' ? tensor.toStrings()[0] : tensor.values()[0]);
}
