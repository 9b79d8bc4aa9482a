/** Waits the longest MS of a batch; says how many rows the batch had. */
import { setTimeout } from 'node:timers/promises';
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  async executeBatch(requests) {
    const waits = requests.map((request) => request.input('MS').values('INT32'));
    await setTimeout(Math.max(...waits.flatMap((wait) => [...wait])));
    const rows = waits.reduce((sum, wait) => sum + wait.length, 0);
    return waits.map((wait) => ({ outputs: { OUT: wait, ROWS: Array.from(wait, () => rows) } }));
  },
});
