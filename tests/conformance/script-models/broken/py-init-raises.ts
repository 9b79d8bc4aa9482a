import { defineModel } from '@nereid/backend-script';

export default defineModel({
  load() {
    throw new Error('cannot begin');
  },
});
