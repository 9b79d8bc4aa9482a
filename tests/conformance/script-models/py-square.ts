/** N responses of the number N; the last one also ends the request. */
import { defineModel } from '@nereid/backend-script';

export default defineModel({
  *execute(request) {
    const [n = 0] = request.input('IN').values('INT32');
    for (let sent = 1; sent < n; sent += 1) yield { outputs: { OUT: n } };
    return n > 0 ? { outputs: { OUT: n } } : undefined;
  },
});
