/** Its input, which it also counts. */
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  load({ metrics, modelName }) {
    const labels = { model: modelName, kind: 'custom' };
    const items = metrics.counter({ name: 'conf_items_total', description: 'items seen' }, labels);
    const last = metrics.gauge({ name: 'conf_last_item', description: 'last item' }, labels);
    return {
      execute(request) {
        const [value = 0] = request.input('IN').values('FP32');
        items.increment(value);
        last.set(value);
        return { outputs: { OUT: value } };
      },
    };
  },
});
