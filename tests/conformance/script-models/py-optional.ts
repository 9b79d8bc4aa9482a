/** The sum of the inputs that were given, and their names. */
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  execute(request) {
    const given = ['A', 'B', 'C'].flatMap((name) => request.optionalInput(name) ?? []);
    const sum = given.flatMap((tensor) => tensor.toNumbers()).reduce((total, value) => total + value, 0);
    return { outputs: { SUM: sum, GIVEN: given.map(({ name }) => name).join(',') } };
  },
});
